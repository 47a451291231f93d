package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
	"github.com/orderprocessing/orderprocessing/server/workflow"
)

// Sources gives what an auditor reads of the stores: all but the ledger of a gateway.
func (s *Stores) Sources() integrity.Sources {
	sagas := sagaReader{shards: s.Shards}
	for _, d := range s.Databases {
		sagas.sagas = append(sagas.sagas, progress.New(d, nil))
	}
	return integrity.Sources{Layout: s.Shards, Sagas: sagas}
}

// OpenSources gives all that an auditor reads, the ledger of the configured gateway included, and what
// lets go of the gateway. It may run beside a server with the same configuration.
func OpenSources(ctx context.Context, cfg config.Config, stores *Stores) (integrity.Sources, func(context.Context) error, error) {
	sources := stores.Sources()
	if !cfg.Payments.Enabled() {
		return sources, func(context.Context) error { return nil }, nil
	}
	ledger, end, err := openLedger(ctx, cfg)
	if err != nil {
		return sources, nil, err
	}
	books := payments.Books{Store: stores.Shards, Gateway: cfg.Payments.Gateway, Ledger: ledger, Now: time.Now}
	sources.Compare = comparing(cfg.Payments.Gateway, books.Reconcile)
	return sources, end, nil
}

// openLedger opens the ledger of the configured gateway. That of a bank in the server's process is read
// from its file.
func openLedger(ctx context.Context, cfg config.Config) (gateway.Ledger, func(context.Context) error, error) {
	if cfg.Payments.Gateway != config.GatewaySimulator || cfg.Payments.Simulator.URL != "" {
		g, _, end, err := openGateway(ctx, cfg, slog.New(slog.DiscardHandler), &telemetry.Telemetry{Registry: prometheus.NewRegistry()}, nil)
		return g, end, err
	}
	if _, err := os.Stat(bankFile(cfg)); errors.Is(err, fs.ErrNotExist) {
		return untouched{}, func(context.Context) error { return nil }, nil
	}
	ledger, end, err := simulator.OpenLedger(ctx, "sqlite:"+bankFile(cfg))
	return ledger, func(context.Context) error { return end() }, err
}

// bankFile is the ledger of the bank in the process.
func bankFile(cfg config.Config) string { return filepath.Join(cfg.Data.Dir, "bank.db") }

// untouched is the ledger of a bank that was never opened.
type untouched struct{}

// Ledger gives nothing.
func (untouched) Ledger(context.Context, gateway.LedgerRequest) (gateway.LedgerPage, error) {
	return gateway.LedgerPage{}, nil
}

// comparing holds a gateway's ledger against ours, from the beginning.
func comparing(
	name string, reconcile func(context.Context, time.Time) (payments.Reconciliation, error),
) func(context.Context) (integrity.Compared, []integrity.Difference, error) {
	return func(ctx context.Context) (integrity.Compared, []integrity.Difference, error) {
		r, err := reconcile(ctx, time.Time{})
		differences := make([]integrity.Difference, len(r.Differences))
		for i, d := range r.Differences {
			differences[i] = integrity.Difference{PaymentID: d.PaymentID, OrderID: d.OrderID, Unknown: d.Unknown, Detail: d.Detail}
		}
		return integrity.Compared{
			Name: name, Payments: r.Payments, Elsewhere: r.Elsewhere, Movements: r.Movements, Foreign: r.Foreign,
		}, differences, err
	}
}

// sagaReader reads the sagas of all shards.
type sagaReader struct {
	shards *shard.Store
	sagas  []*progress.Store
}

// Unfinished reads a page of a shard.
func (s sagaReader) Unfinished(ctx context.Context, shard int, after string, limit int) ([]saga.Record, error) {
	return s.sagas[shard].List(ctx, saga.Page{After: after, Limit: limit})
}

// AtWork asks for the sagas that orders and their parcels can have, and for all of what has an id of its
// own: returns, and money that staff moved.
func (s sagaReader) AtWork(ctx context.Context, orders []order.Order) (map[order.ID]bool, error) {
	keys := make([][]string, len(s.sagas))
	confirmed := false
	for _, o := range orders {
		owner := s.shards.Owner(o.ID.Slot())
		keys[owner] = append(keys[owner], sagasOf(o)...)
		confirmed = confirmed || !o.Confirmed.IsZero()
	}
	atWork := map[order.ID]bool{}
	for i, mine := range keys {
		records, err := s.sagas[i].Unfinished(ctx, mine)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			prefix, _, _ := strings.Cut(r.Subject, "_")
			if subject, err := id.Parse(prefix, r.Subject); err == nil {
				atWork[order.ID{UUID: subject.WithPart(0)}] = true
			}
		}
		if confirmed {
			if err := errors.Join(s.add(ctx, i, "ret_", s.returned, atWork), s.add(ctx, i, "pmv_", s.moved, atWork)); err != nil {
				return nil, err
			}
		}
	}
	return atWork, nil
}

// sagasOf names the sagas that may be at work on an order and its parcels. That which ends a draft waits
// for long.
func sagasOf(o order.Order) []string {
	subject := o.ID.String()
	keys := []string{saga.Key(subject, workflow.Place), saga.Key(subject, workflow.Cancel), saga.Key(subject, workflow.Ship)}
	if o.Amendment != nil {
		keys = append(keys, saga.Key(o.Amendment.ID.String(), workflow.Amend))
	}
	for _, parcel := range o.Shipments {
		keys = append(keys, saga.Key(parcel.ID.String(), workflow.Ship))
	}
	return keys
}

// add adds the orders of a shard that are at work by sagas whose subjects begin with prefix.
func (s sagaReader) add(
	ctx context.Context, shard int, prefix string, orderOf func(context.Context, string) (order.ID, error), atWork map[order.ID]bool,
) error {
	const limit = 500
	for after := prefix; ; {
		page, err := s.Unfinished(ctx, shard, after, limit)
		if err != nil {
			return err
		}
		for _, r := range page {
			if !strings.HasPrefix(r.Subject, prefix) {
				return nil
			}
			orderID, err := orderOf(ctx, r.Subject)
			if err != nil {
				return err
			}
			atWork[orderID] = true
		}
		if len(page) < limit {
			return nil
		}
		after = page[len(page)-1].Key()
	}
}

// returned gives the order of a return.
func (s sagaReader) returned(ctx context.Context, subject string) (order.ID, error) {
	returnID, err := order.ParseReturnID(subject)
	if err != nil {
		return order.ID{}, err
	}
	back, err := s.shards.Return(ctx, returnID)
	return back.OrderID, err
}

// moved gives the order whose money was moved.
func (s sagaReader) moved(ctx context.Context, subject string) (order.ID, error) {
	moveID, err := payment.ParseMoveID(subject)
	if err != nil {
		return order.ID{}, err
	}
	p, err := s.shards.Payment(ctx, moveID.PaymentID())
	return p.OrderID, err
}
