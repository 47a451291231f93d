package server

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/cached"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// observers feed the metrics of the stores.
func observers(registry prometheus.Registerer, copies *cached.Copies, logins loginOf) Observers {
	orders := telemetry.NewOrders(registry)
	batches := telemetry.NewBatches(registry)
	o := Observers{
		Login:   logins,
		Observe: func(written string) coalesce.Observe { return batches.Of(written) },
		Moved: func(shard int, moved []entstore.Moved) {
			name := strconv.Itoa(shard)
			for _, m := range moved {
				for _, event := range eventsOf(m) {
					orders.Happened(event, name)
				}
				if m.From == order.Pending {
					orders.Decided(outcomeOf(m), m.Stayed)
				}
			}
		},
	}
	if copies != nil {
		o.Committed = copies.Committed
	}
	return o
}

// eventsOf names what happened to an order, as it is counted.
func eventsOf(m entstore.Moved) (events []string) {
	switch {
	case m.From == 0 && m.To >= order.Confirmed:
		return []string{"imported"}
	case m.Confirmed:
		events = append(events, "confirmed")
		if m.To == order.Confirmed {
			return events
		}
	case m.To == order.Pending && m.From > order.Draft:
		return []string{"resumed"}
	case m.To == order.Pending:
		return []string{"placed"}
	case m.To == order.Confirmed: // again, after a hold
		return []string{"released"}
	}
	return append(events, strings.ToLower(m.To.String()))
}

// outcomeOf names how we decided on a placed order: that it has to wait is a decision too, since then it
// waits for somebody else.
func outcomeOf(m entstore.Moved) string {
	if m.Confirmed {
		return "confirmed"
	}
	return strings.ToLower(m.To.String())
}

// measurePools shows the connections of every database.
func measurePools(registry prometheus.Registerer, stores *Stores) {
	pools := func(name string, d *database.Database) {
		registry.MustRegister(collectors.NewDBStatsCollector(d.Write, name+"-write"))
		if d.Read != d.Write {
			registry.MustRegister(collectors.NewDBStatsCollector(d.Read, name+"-read"))
		}
	}
	for i, d := range stores.Databases {
		pools(fmt.Sprintf("shard-%d", i), d)
	}
}

// measuring adds up the stock of all shards.
func measuring(levels store.StockAudits, show func(held, oversold int64)) job {
	return job{name: "measure_stock", every: measureEvery, run: func(ctx context.Context) (bool, error) {
		all, err := levels.StockTotals(ctx)
		if err == nil {
			show(all.Held, all.Oversold)
		}
		return false, err
	}}
}

// verified shows what the last check found.
func verified(registry prometheus.Registerer) func(integrity.Report) {
	show := telemetry.Integrity(registry)
	return func(r integrity.Report) {
		ledger := int64(0)
		for _, v := range r.Listed {
			if v.Invariant == integrity.Ledgers {
				ledger++
			}
		}
		show(r.Violations, ledger)
	}
}
