package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const (
	// sweepEvery is how often holds are looked for whose time is over.
	sweepEvery = 15 * time.Second
	// sweepAtOnce is how many of a shard are let go in one transaction.
	sweepAtOnce = 200
	// measureEvery is how often all stock is added up.
	measureEvery = time.Minute
	// settleEvery is how often operations are looked for whose end is not known.
	settleEvery = 15 * time.Second
	// settleAtOnce is how many of a shard are settled each time.
	settleAtOnce = 100
	// forgetEvery is how often what is kept for a time is looked through.
	forgetEvery = time.Hour
	// forgetAtOnce is how many rows of a kind a shard forgets in one transaction.
	forgetAtOnce = 500
)

// newJobs lists what comes up again and again in this process. cases is nil where no payments run.
func newJobs(
	cfg config.Config, logger *slog.Logger, registry prometheus.Registerer, stores *Stores, cases *payments.Service,
) *jobs {
	var list []job
	if cfg.Serves(config.ServiceInventory) {
		list = append(list, sweeping(stores.Shards, time.Now), measuring(stores.Shards, telemetry.Stock(registry)))
	}
	if cfg.Serves(config.ServiceOrders) {
		list = append(list, forgetting(stores.Shards, cfg.Retention, time.Now))
	}
	if cases != nil {
		// An operation is left alone for longer than its own call may be under way.
		list = append(list, settling(cases, 3*cfg.Payments.CallTimeout))
	}
	names := make([]string, len(list))
	for i, one := range list {
		names[i] = one.name
	}
	return &jobs{list: list, logger: logger, count: telemetry.JobRuns(registry, names...)}
}

// sweeping lets go of stock that was held for too long.
func sweeping(holds interface {
	ExpireHolds(ctx context.Context, now time.Time, limit int) ([]stock.Hold, error)
}, now func() time.Time,
) job {
	return job{name: "sweep_holds", every: sweepEvery, run: func(ctx context.Context) (bool, error) {
		gone, err := holds.ExpireHolds(ctx, now().UTC().Truncate(time.Microsecond), sweepAtOnce)
		return len(gone) > 0, err
	}}
}

// settling asks the gateway what became of operations whose end is not known.
func settling(cases interface {
	SettleOpen(ctx context.Context, waited time.Duration, limit int) (payments.Settled, error)
}, waited time.Duration,
) job {
	return job{name: "settle_payments", every: settleEvery, run: func(ctx context.Context) (bool, error) {
		_, err := cases.SettleOpen(ctx, waited, settleAtOnce)
		return false, err
	}}
}

// forgetting deletes what was kept for as long as the configuration says.
func forgetting(kept store.Retention, keep config.Retention, now func() time.Time) job {
	return job{name: "forget", every: forgetEvery, run: func(ctx context.Context) (bool, error) {
		at := now().UTC().Truncate(time.Microsecond)
		n, err := kept.Forget(ctx, store.Forgettable{
			Requests: at.Add(-keep.Requests), PaymentEvents: at.Add(-keep.PaymentEvents), Sagas: at.Add(-keep.Sagas),
		}, forgetAtOnce)
		return n > 0, err
	}}
}
