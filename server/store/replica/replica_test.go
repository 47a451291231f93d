package replica_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
	"github.com/orderprocessing/orderprocessing/server/store/replica"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const soon, often = 20 * time.Second, 5 * time.Millisecond

// pair is a cluster with the one standby that follows it, and a migrated database of both.
type pair struct {
	primary, standby *pgtest.Cluster
	url              string // at the primary
}

const name = "orders"

func newPair(t *testing.T) pair {
	t.Helper()
	var p pair
	var err error
	p.primary, err = pgtest.Start(t.Context(), pgtest.Options{Replicated: true, Settings: []string{"synchronous_commit = on"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.primary.Close()) })
	p.url, err = p.primary.CreateMigrated(t.Context(), name)
	require.NoError(t, err)
	p.standby, err = p.primary.Standby(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.standby.Close()) })
	return p
}

func open(tb testing.TB, url string) *database.Database {
	tb.Helper()
	d, err := database.Open(tb.Context(), url, database.Options{Unasked: true})
	require.NoError(tb, err)
	return d
}

// house is a store of one shard with standbys.
type house struct {
	*shard.Store
	*replica.Replicas
	registry *prometheus.Registry
}

func newHouse(tb testing.TB, maxLag time.Duration, primary *database.Database, replicas ...string) house {
	tb.Helper()
	all, err := shard.New(shard.Even(1), []store.Store{entstore.New(primary, entstore.Options{Now: time.Now})})
	require.NoError(tb, err)
	h := house{Store: all, registry: prometheus.NewRegistry()}
	o := replica.Options{
		Shards: all, Primaries: []*database.Database{primary}, MaxLag: maxLag,
		Log: slog.New(slog.DiscardHandler), Registry: h.registry,
	}
	for _, url := range replicas {
		d := open(tb, url)
		o.Replicas = append(o.Replicas, replica.Replica{Database: d, Store: entstore.New(d, entstore.Options{Now: time.Now})})
	}
	h.Replicas = replica.New(o)
	require.NoError(tb, h.Start(tb.Context()))
	return h
}

// Close ends the standbys, then the shard.
func (h house) Close(ctx context.Context) error {
	if err := h.Stop(ctx); err != nil {
		return err
	}
	return h.Store.Close(ctx)
}

// reads counts the reads that went somewhere.
func (h house) reads(tb testing.TB, outcome string) float64 {
	tb.Helper()
	families, err := h.registry.Gather()
	require.NoError(tb, err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == telemetry.MetricReplicaReads && m.GetLabel()[0].GetValue() == outcome {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func (h house) waitServing(tb testing.TB, serving bool) {
	tb.Helper()
	require.Eventually(tb, func() bool { return h.Statuses()[0].Serving == serving }, soon, often)
}

// place stores an order, and gives its id and the demand to see it.
func (h house) place(t *testing.T, request string) (order.ID, store.Consistency) {
	t.Helper()
	at := time.UnixMilli(1700000000000).UTC()
	r := store.NewRequest("c", request, nil)
	o, err := h.CreateOrder(t.Context(), store.NewOrder{
		ID: order.NewID(at, "c", r.String()), Created: at, Request: r,
		Change: order.Placed{Details: order.Details{CustomerID: "c", Currency: "GBP", Lines: []order.Line{
			{SKU: "85123A", Description: "WHITE HANGING HEART T-LIGHT HOLDER", Quantity: 6, UnitPrice: 255},
		}}},
	})
	require.NoError(t, err)
	position := h.Position(t.Context(), o.ID.Slot())
	require.True(t, position.Known())
	return o.ID, store.Consistency{Freshness: store.AtLeastAsFresh, Positions: []store.Position{position}}
}

var minimal = store.Consistency{Freshness: store.MinimalLatency}

// readBy requires that a read sees an order, or not, and who served it.
func (h house) readBy(t *testing.T, outcome string, c store.Consistency, orderID order.ID, there bool) {
	t.Helper()
	before := h.reads(t, outcome)
	_, err := h.At(c).Order(t.Context(), orderID)
	if there {
		require.NoError(t, err)
	} else {
		require.Equal(t, fault.ReasonOrderNotFound, fault.ReasonOf(err))
	}
	require.InDelta(t, before+1, h.reads(t, outcome), 0, "a read that %s served", outcome)
}

// caughtUp waits until the standby is as fresh as is demanded.
func (h house) caughtUp(t *testing.T, c store.Consistency, orderID order.ID) {
	t.Helper()
	require.Eventually(t, func() bool {
		before := h.reads(t, "replica")
		_, err := h.At(c).Order(t.Context(), orderID)
		return err == nil && h.reads(t, "replica") > before
	}, soon, often)
}

func TestReplicas(t *testing.T) {
	p := newPair(t)
	h := newHouse(t, time.Hour, open(t, p.url), p.standby.URL(name))
	defer func() { require.NoError(t, h.Close(context.WithoutCancel(t.Context()))) }()
	h.waitServing(t, true)
	first, seen := h.place(t, "first")
	h.caughtUp(t, seen, first)

	t.Run("a standby serves what it has", func(t *testing.T) {
		h.readBy(t, "replica", minimal, first, true)
		h.readBy(t, "replica", seen, first, true)
		// A token of another shard demands nothing of this one.
		h.readBy(t, "replica", store.Consistency{Freshness: store.AtLeastAsFresh, Positions: []store.Position{store.Unknown(7)}}, first, true)
	})
	t.Run("a read that demands all goes to the shard", func(t *testing.T) {
		before := h.reads(t, "replica")
		_, err := h.At(store.Consistency{}).Order(t.Context(), first)
		require.NoError(t, err)
		require.InDelta(t, before, h.reads(t, "replica"), 0)
	})
	t.Run("a position that is not known, or of another system, is the shard's alone", func(t *testing.T) {
		stranger := seen.Positions[0]
		stranger.System++
		for _, position := range []store.Position{store.Unknown(0), stranger} {
			c := store.Consistency{Freshness: store.AtLeastAsFresh, Positions: []store.Position{position}}
			h.readBy(t, "primary", c, first, true)
		}
	})
	t.Run("one that is behind is passed over by who wrote, and serves who is in a hurry", func(t *testing.T) {
		require.NoError(t, p.standby.PauseReplay(t.Context()))
		second, mine := h.place(t, "second")
		h.readBy(t, "primary", mine, second, true)
		h.readBy(t, "replica", minimal, second, false)
		h.readBy(t, "replica", seen, first, true) // an older token is still served
		require.Eventually(t, func() bool {
			s := h.Statuses()[0]
			return s.Serving && s.LagBytes > 0 && s.Lag > 0
		}, soon, often)

		impatient := newHouse(t, time.Nanosecond, open(t, p.url), p.standby.URL(name))
		impatient.waitServing(t, true)
		impatient.readBy(t, "primary", minimal, second, true)
		require.NoError(t, impatient.Close(t.Context()))

		require.NoError(t, p.standby.ResumeReplay(t.Context()))
		h.caughtUp(t, mine, second)
		h.readBy(t, "replica", minimal, second, true)
	})
	t.Run("no call fails when one dies, and it is taken back when it is there again", func(t *testing.T) {
		done, stop := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		for i := range 8 {
			readers.Go(func() {
				for n := i; done.Err() == nil; n++ {
					c := []store.Consistency{minimal, seen}[n%2]
					if _, err := h.At(c).Order(context.WithoutCancel(done), first); err != nil {
						t.Errorf("read one: %v", err)
					}
					found, err := h.At(c).Orders(context.WithoutCancel(done), store.OrderQuery{CustomerID: "c", Limit: 10})
					if err != nil || len(found) != 2 {
						t.Errorf("list: %d, %v", len(found), err)
					}
				}
			})
		}
		require.NoError(t, p.standby.Kill9())
		h.waitServing(t, false)
		stop()
		readers.Wait()
		h.readBy(t, "primary", minimal, first, true)
		require.NoError(t, p.standby.Restart(t.Context()))
		h.waitServing(t, true)
		h.caughtUp(t, seen, first)
	})
	t.Run("a server may start before its standby", func(t *testing.T) {
		require.NoError(t, p.standby.Kill9())
		early := newHouse(t, time.Hour, open(t, p.url), p.standby.URL(name))
		early.readBy(t, "primary", minimal, first, true)
		require.NoError(t, p.standby.Restart(t.Context()))
		early.waitServing(t, true)
		require.NoError(t, early.Close(t.Context()))
	})
	t.Run("while the shard is away its standby serves who is in a hurry, and says how old that may be", func(t *testing.T) {
		h := newHouse(t, time.Second, open(t, p.url), p.standby.URL(name))
		h.waitServing(t, true)
		require.NoError(t, p.primary.Kill9())
		require.Eventually(t, func() bool { return h.Statuses()[0].Lag > 2*time.Second }, soon, often)
		h.readBy(t, "replica", minimal, first, true)
		require.NoError(t, p.primary.Restart(t.Context()))
		require.Eventually(t, func() bool { return h.Statuses()[0].Serving && h.Statuses()[0].Lag == 0 }, soon, often)
		require.NoError(t, h.Close(t.Context()))
	})
	t.Run("whoever is no standby of a shard is refused", func(t *testing.T) {
		h := newHouse(t, time.Hour, open(t, p.url), p.url, p.standby.URL("postgres"))
		h.readBy(t, "primary", minimal, first, true)
		require.Eventually(t, func() bool { return h.Statuses()[0].Shard == 0 }, soon, often, "it was looked at")
		for _, s := range h.Statuses() {
			require.False(t, s.Serving)
		}
		require.NoError(t, h.Close(t.Context()))
	})
	t.Run("one that was promoted is refused, and so is one that still follows whom it replaced", func(t *testing.T) {
		h.waitServing(t, true)
		late, err := p.primary.Standby(t.Context())
		require.NoError(t, err)
		defer func() { require.NoError(t, late.Close()) }()
		require.NoError(t, p.standby.Promote(t.Context()))
		h.waitServing(t, false)
		third, mine := h.place(t, "third")
		h.readBy(t, "primary", minimal, third, true)
		h.readBy(t, "primary", mine, third, true)

		replaced := newHouse(t, time.Hour, open(t, p.standby.URL(name)), late.URL(name), p.standby.URL(name))
		require.Eventually(t, func() bool {
			return !slices.ContainsFunc(replaced.Statuses(), func(s store.ReplicaStatus) bool { return s.Shard != 0 })
		}, soon, often, "both were looked at")
		replaced.readBy(t, "primary", minimal, first, true)
		require.False(t, replaced.Statuses()[0].Serving)
		require.NoError(t, replaced.Close(t.Context()))
	})
}
