package workflow_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/inventory"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
	"github.com/orderprocessing/orderprocessing/server/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience = 24 * time.Hour // for an order to be confirmed
	total    = 2000
	received = 1 // the reason of an adjustment
)

// world is a shop on SQLite and at a simulated bank, with an engine that works when it is told to.
type world struct {
	t     *testing.T
	store *entstore.Store
	bank  *simulator.Simulator
	cases *payments.Service
	flow  *workflow.Workflow
	engine
	crash crash
	// deaf is how often a void is turned away.
	deaf int
	// refuses is how often the bank says no for good to a void or a refund.
	refuses int
	deny    bool // risk says no
	sku     string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, sku: "A", engine: engine{now: time.Now().UTC().Truncate(time.Microsecond), records: map[string]saga.Record{}, tickets: map[string]int{}}}
	d, err := database.Open(t.Context(), storetest.SQLite(1)(t)[0], database.Options{})
	require.NoError(t, err)
	w.store = entstore.New(d, entstore.Options{
		Now: w.clock, Starter: &w.engine, Follow: workflow.Follow{PlaceTimeout: patience, DraftLifetime: patience},
	})
	t.Cleanup(func() { require.NoError(t, w.store.Close(context.WithoutCancel(t.Context()))) })
	w.bank, err = simulator.New(t.Context(), simulator.Options{
		Database: "sqlite:" + filepath.Join(t.TempDir(), "bank.db"), HangFor: 20 * time.Millisecond,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.bank.Close(context.WithoutCancel(t.Context()))) })
	g := w.bank.Gateway(simulator.ClientOptions{Timeout: time.Second})
	t.Cleanup(g.Close)
	w.cases = payments.New(payments.Options{
		Store: &crashingPayments{w.store, &w.crash}, Orders: w.store, Current: "test",
		Gateways: map[string]gateway.Gateway{"test": &crashingGateway{Gateway: g, world: w}},
		Tokens:   pagetoken.New([]byte("key")), Now: w.clock, CallTimeout: time.Second,
	})
	t.Cleanup(func() { require.NoError(t, w.cases.Close(context.WithoutCancel(t.Context()))) })
	shelves := &crashingShop{w.store, &w.crash}
	w.flow = workflow.New(workflow.Options{
		Orders: shelves, Stock: inventory.New(shelves, pagetoken.New([]byte("key")), w.clock), Risk: w,
		Payments: w.cases, PaymentTimeout: 5 * time.Second, Now: w.clock,
	})
	w.book, err = w.flow.Sagas()
	require.NoError(t, err)
	w.supply(w.sku, 10)
	return w
}

// Assess makes the world its own risk.
func (w *world) Assess(_ context.Context, o order.Order) (risk.Assessment, error) {
	if w.deny {
		return risk.Assessment{OrderID: o.ID, Outcome: risk.Deny}, nil
	}
	return risk.Assessment{OrderID: o.ID, Outcome: risk.Pass}, nil
}

// Judge says of an order that is to cost more what it said of it before.
func (w *world) Judge(ctx context.Context, o order.Order) (risk.Assessment, error) {
	return w.Assess(ctx, o)
}

func (w *world) supply(sku string, quantity int64) {
	w.t.Helper()
	_, err := w.store.PutProduct(w.t.Context(), sku, store.Request{}, func(p *stock.Product) (stock.Product, error) {
		if p != nil {
			return *p, nil
		}
		return stock.Product{SKU: sku, Name: sku, UnitPrice: 1000, Currency: "GBP", Version: 1, Created: w.clock(), Updated: w.clock()}, nil
	})
	require.NoError(w.t, err)
	_, err = w.store.AdjustStock(w.t.Context(), stock.Adjustment{SKU: sku, Delta: quantity, Reason: received, Time: w.clock()}, store.Request{})
	require.NoError(w.t, err)
}

// place places an order of two.
func (w *world) place(method string) order.ID {
	w.t.Helper()
	orderID := order.NewID(w.clock(), "cus_1", "")
	_, err := w.store.CreateOrder(w.t.Context(), store.NewOrder{ID: orderID, Created: orderID.Time(), Change: order.Placed{
		Details:       order.Details{CustomerID: "cus_1", Currency: "GBP", Lines: []order.Line{{SKU: w.sku, Quantity: 2, UnitPrice: 1000}}},
		PaymentMethod: method,
	}})
	require.NoError(w.t, err)
	return orderID
}

func (w *world) change(orderID order.ID, decide store.Decide) order.Order {
	w.t.Helper()
	o, err := w.store.ChangeOrder(w.t.Context(), orderID, store.Request{}, decide)
	require.NoError(w.t, err)
	return o
}

func (w *world) cancel(orderID order.ID) {
	w.t.Helper()
	w.change(orderID, func(o order.Order) ([]order.Change, error) { return o.Cancel("") })
}

func (w *world) order(orderID order.ID) order.Order {
	w.t.Helper()
	o, err := w.store.Order(w.t.Context(), orderID)
	require.NoError(w.t, err)
	return o
}

// answer is what the customer of an order answers at the bank.
func (w *world) answer(orderID order.ID, outcome string) {
	w.t.Helper()
	page, err := url.Parse(w.order(orderID).ActionURL)
	require.NoError(w.t, err)
	request := httptest.NewRequest(http.MethodPost, page.Path, strings.NewReader(url.Values{"outcome": {outcome}}.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answered := httptest.NewRecorder()
	w.bank.Handler().ServeHTTP(answered, request)
	require.Equal(w.t, http.StatusOK, answered.Code)
}

// kept is what is set aside for an order, or taken and not given back: of its goods and of its money.
type kept struct {
	lifecycle      order.Lifecycle
	held           int64
	reserved, paid money.Minor
}

// requireKept holds what is left of everything, and that all books agree.
func (w *world) requireKept(orderID order.ID, want kept) {
	w.t.Helper()
	o := w.order(orderID)
	got := kept{lifecycle: o.Lifecycle}
	level, err := w.store.StockLevel(w.t.Context(), w.sku)
	require.NoError(w.t, err)
	got.held = level.Held
	all, err := w.cases.OfOrder(w.t.Context(), orderID)
	require.NoError(w.t, err)
	for _, p := range all {
		require.False(w.t, p.OpenUnknown > 0 || p.Void == payment.BeingVoided, "%s is %s", p.ID, p.State)
		got.reserved += p.Left()
		got.paid += p.Captured - p.Refunded
	}
	require.Equal(w.t, want, got, "%s, %s", o.StatusReason, o.Payment)
	events, err := w.store.OrderEvents(w.t.Context(), orderID, 0, 1000)
	require.NoError(w.t, err)
	folded, err := order.Fold(events)
	require.NoError(w.t, err)
	require.True(w.t, folded.Equal(o))
	audited, err := w.store.AuditPayments(w.t.Context(), payment.ID{}.UUID, 1000)
	require.NoError(w.t, err)
	for _, a := range audited {
		require.Empty(w.t, payment.Inspect(a.Payment, a.Operations, a.Entries))
	}
	found, err := w.cases.Reconcile(w.t.Context(), "test", time.Time{})
	require.NoError(w.t, err)
	require.Empty(w.t, found.Differences, "the bank says the same")
}

// engine keeps records in memory and goes on with them when it is told to, as the real ones do.
type engine struct {
	mu      sync.Mutex
	now     time.Time
	book    saga.Book
	records map[string]saga.Record // as they would be stored
	tickets map[string]int
}

func (e *engine) clock() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

func (e *engine) StartTx(_ context.Context, _ *sql.Tx, starts []saga.Start) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range starts {
		if r := saga.NewRecord(s, e.now, time.Minute); e.records[r.Key()].Subject == "" {
			e.records[r.Key()] = r
		}
	}
	return nil
}

func (e *engine) SignalTx(_ context.Context, _ *sql.Tx, subject, name string) error {
	e.wake(saga.Key(subject, name))
	return nil
}

func (e *engine) wake(key string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r, ok := e.records[key]; ok && !r.State.Finished() {
		e.tickets[key]++
		e.records[key] = saga.Resume(r)
	}
}

// retry is what staff do about a saga that is stuck.
func (w *world) retry(key string) {
	w.t.Helper()
	w.wake(key)
	w.mu.Lock()
	r := w.records[key]
	r.Attempts = 0
	w.records[key] = r
	w.mu.Unlock()
	next, ticket, ok := w.next(true)
	require.True(w.t, ok)
	require.Equal(w.t, key, next.Key())
	w.carry(next, ticket)
}

// save stores a record unless somebody else goes on with it.
func (e *engine) save(r saga.Record, ticket int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tickets[r.Key()] != ticket {
		return false
	}
	e.records[r.Key()] = r
	return true
}

// next gives a record that has something to do, unless it waits for somebody or is not due for long.
func (e *engine) next(stuckToo bool) (r saga.Record, ticket int, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, r := range e.records {
		due := !r.Rests || r.State != saga.StateWaiting && r.Wake.Before(e.now.Add(patience/2)) || !r.Wake.After(e.now)
		if r.State.Finished() || !due || r.State == saga.StateStuck && !stuckToo {
			continue
		}
		if r.Wake.After(e.now) && r.Rests {
			e.now = r.Wake // pauses take no time
		}
		return saga.Resume(r), e.tickets[key], true
	}
	return r, 0, false
}

// run goes on until nothing is left to do but to wait, or to be looked at by staff, or the process dies.
func (w *world) run() {
	w.t.Helper()
	for range 200 {
		r, ticket, ok := w.next(false)
		if !ok {
			return
		}
		w.carry(r, ticket)
		if w.crash.dead {
			return
		}
	}
	require.Fail(w.t, "the sagas go round and round", "%+v", w.records)
}

// carry is what an engine does with a saga.
func (w *world) carry(r saga.Record, ticket int) {
	plan, durable := w.book[r.Saga], false
	for {
		next, turn := plan.Next(r, w.clock())
		durable = durable || next != r
		if r = next; durable && !w.save(r, ticket) || turn.Deed == saga.DeedNone {
			return
		}
		result, err := plan.Perform(w.t.Context(), turn)
		said := fmt.Sprintf("%s: %+v, %v", turn.Call.Key, result, err)
		w.t.Log(said)
		require.NotContains(w.t, said, "tok_", "what is logged and stored names no token")
		if w.crash.dead {
			return
		}
		r, durable = plan.After(r, turn, result, w.clock())
	}
}

// recover is another process that takes over.
func (w *world) recover() {
	w.crash.dead, w.crash.at = false, 0
	for key, r := range w.records {
		if r.State != saga.StateWaiting {
			w.wake(key)
		}
	}
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

var errDead = errors.New("the process has died")

// crash lets the process die at a point: before something takes effect, or after.
type crash struct {
	mu    sync.Mutex
	at, n int
	dead  bool
}

func (c *crash) point() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n++; c.n == c.at {
		c.dead = true
	}
	if c.dead {
		return errDead
	}
	return nil
}

// mortal does something, unless the process dies before; the answer gets lost when it dies after.
func mortal[T any](c *crash, do func() (T, error)) (answer T, err error) {
	if err := c.point(); err != nil {
		return answer, err
	}
	done, err := do()
	if died := c.point(); died != nil {
		return answer, died
	}
	return done, err
}
