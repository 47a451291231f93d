package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/flags"
	"github.com/orderprocessing/orderprocessing/server/flags/flagd"
	"github.com/orderprocessing/orderprocessing/server/orders"
	"github.com/orderprocessing/orderprocessing/server/risk"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// switches are the feature flags as the rooms ask for them.
type switches struct {
	keeper      *flags.Keeper // nil when another provider keeps them
	amendments  func(ctx context.Context, customer string) bool
	cachedReads func(ctx context.Context, customer string) bool
	riskMode    func(ctx context.Context, customer string) risk.Mode
}

// openFlags builds the flags over the provider of the configuration, and the part that keeps them
// current.
func openFlags(
	ctx context.Context, cfg config.Config, logger *slog.Logger, registry prometheus.Registerer, stores *Stores,
) (*switches, Part, error) {
	declared := flags.Declare(cfg.Risk.Mode)
	part := Part{Name: "feature flags"}
	var keeper *flags.Keeper
	var provider openfeature.FeatureProvider
	var err error
	if cfg.Flags.Provider == config.FlagsFlagd {
		provider, err = flagd.New(cfg.Flags.Flagd.Address, cfg.Flags.Flagd.TLS)
	} else {
		keeper = flags.NewKeeper(flags.KeeperOptions{Declared: declared, Store: stores.Flags, Log: logger, Now: time.Now})
		telemetry.FlagsAge(registry, func() float64 { return keeper.Age().Seconds() })
		provider, part.Start = keeper.Provider(), keeper.Start
	}
	if err != nil {
		return nil, part, err
	}
	all, err := flags.New(ctx, declared, provider, registry)
	if err != nil {
		return nil, part, err
	}
	part.Stop = func(ctx context.Context) error {
		if keeper == nil {
			return all.Close(ctx)
		}
		return errors.Join(keeper.Stop(ctx), all.Close(ctx))
	}
	mode := all.Choice(flags.RiskMode)
	return &switches{
		keeper: keeper, amendments: all.Switch(flags.Amendments), cachedReads: all.Switch(flags.CachedReads),
		riskMode: func(ctx context.Context, customer string) risk.Mode { return risk.Mode(mode(ctx, customer)) },
	}, part, nil
}

// switchedReads reads copies as long as a flag says so.
type switchedReads struct {
	on     func(ctx context.Context, customer string) bool
	copies orders.Reads
	stored orders.Reads
}

func (r switchedReads) from(ctx context.Context, customer string) orders.Reads {
	if r.on(ctx, customer) {
		return r.copies
	}
	return r.stored
}

// Order implements orders.Reads. Whose the order is is not known before it is read: the share of the
// flag sticks to the order.
func (r switchedReads) Order(ctx context.Context, orderID order.ID) (order.Order, error) {
	return r.from(ctx, orderID.String()).Order(ctx, orderID)
}

// Orders implements orders.Reads.
func (r switchedReads) Orders(ctx context.Context, q store.OrderQuery) ([]order.Order, error) {
	return r.from(ctx, q.CustomerID).Orders(ctx, q)
}

// people erases customers, also from the targets of flags.
type people struct {
	orders.People
	keeper *flags.Keeper
}

func (s *switches) forgetting(p orders.People) orders.People {
	if s.keeper == nil {
		return p
	}
	return people{p, s.keeper}
}

// EraseCustomer implements orders.People.
func (p people) EraseCustomer(ctx context.Context, customerID string) (users, keys int, err error) {
	if err := p.keeper.Forget(ctx, customerID); err != nil {
		return 0, 0, err
	}
	return p.People.EraseCustomer(ctx, customerID)
}
