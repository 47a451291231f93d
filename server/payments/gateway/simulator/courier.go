package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

const (
	courierBatch    = 256
	courierWorkers  = 16
	courierTimeout  = 5 * time.Second
	courierBase     = 250 * time.Millisecond
	courierCap      = time.Minute
	courierAttempts = 200 // some three hours
)

// courier delivers webhooks from the database until each was taken, at least once.
type courier struct {
	db      *database.Database
	options Options
	client  *http.Client
	poke    chan struct{}

	mu      sync.Mutex
	waiting map[string]chan struct{} // for the delivery of an event
}

type parcel struct {
	id       int64
	event    string
	body     []byte
	attempts int
}

func newCourier(db *database.Database, o Options) *courier {
	var transport http.RoundTripper = &http.Transport{MaxIdleConnsPerHost: courierWorkers, IdleConnTimeout: time.Minute}
	if o.WebhookHandler != nil {
		transport = local{o.WebhookHandler}
	}
	return &courier{
		db: db, options: o, client: &http.Client{Timeout: courierTimeout, Transport: transport},
		poke: make(chan struct{}, 1), waiting: map[string]chan struct{}{},
	}
}

// wake tells that there may be something to deliver.
func (c *courier) wake() {
	select {
	case c.poke <- struct{}{}:
	default:
	}
}

// delivered gives a channel that is closed when an event was delivered, and what ends the wait.
func (c *courier) delivered(ctx context.Context, event string) (done chan struct{}, forget func()) {
	done = make(chan struct{})
	c.mu.Lock()
	c.waiting[event] = done
	c.mu.Unlock()
	forget = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, event)
	}
	var waits bool // it may have been delivered before anybody asked
	err := c.db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM webhooks WHERE event = ?)`, event).Scan(&waits)
	if err == nil && !waits {
		c.announce(event)
	}
	return done, forget
}

// announce tells who waits for an event that it was delivered.
func (c *courier) announce(event string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if done, waits := c.waiting[event]; waits {
		close(done)
		delete(c.waiting, event)
	}
}

func (c *courier) run(ctx context.Context) {
	defer c.client.CloseIdleConnections()
	if c.options.WebhookURL == "" {
		return
	}
	for ctx.Err() == nil {
		again, err := c.round(ctx)
		if err != nil && ctx.Err() == nil {
			c.options.Log.Warn("the gateway simulator cannot read or write its webhooks", "error", err)
			again = courierCap
		}
		if again > 0 {
			wait(ctx, again, c.poke)
		}
	}
}

// round delivers what is due, and tells how long to wait for more.
func (c *courier) round(ctx context.Context) (time.Duration, error) {
	now := c.options.Now()
	parcels, next, err := c.collect(ctx, now)
	if err != nil {
		return 0, err
	}
	if len(parcels) == 0 {
		return min(max(time.Duration(next-now.UnixMicro())*time.Microsecond, time.Millisecond), courierCap), nil
	}
	taken := make([]bool, len(parcels))
	var workers sync.WaitGroup
	for w := range min(courierWorkers, len(parcels)) {
		workers.Go(func() {
			for i := w; i < len(parcels); i += courierWorkers {
				taken[i] = c.deliver(ctx, parcels[i])
			}
		})
	}
	workers.Wait()
	return 0, c.record(ctx, parcels, taken)
}

// collect gives what is due, or else the time of the next, in microseconds.
func (c *courier) collect(ctx context.Context, now time.Time) ([]parcel, int64, error) {
	rows, err := c.db.Read.QueryContext(ctx, `SELECT id, event, body, attempts, due FROM webhooks ORDER BY due LIMIT ?`, courierBatch)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	next := now.Add(courierCap).UnixMicro()
	var parcels []parcel
	for rows.Next() {
		var p parcel
		var due int64
		if err := rows.Scan(&p.id, &p.event, &p.body, &p.attempts, &due); err != nil {
			return nil, 0, err
		}
		if due > now.UnixMicro() {
			next = due
			break
		}
		parcels = append(parcels, p)
	}
	return parcels, next, rows.Err()
}

// deliver tells whether the parcel was taken: answered with 2xx.
func (c *courier) deliver(ctx context.Context, p parcel) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.WebhookURL, bytes.NewReader(p.body))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(signatureHeader, gateway.Sign(c.options.WebhookSecret, c.options.Now(), p.body))
	response, err := c.client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxBody))
	return response.StatusCode/100 == 2
}

// record forgets what was taken, and puts the rest off.
func (c *courier) record(ctx context.Context, parcels []parcel, taken []bool) error {
	tx, err := c.db.Write.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	done := []int64{}
	for i, p := range parcels {
		if taken[i] || p.attempts >= courierAttempts {
			done = append(done, p.id)
			continue
		}
		ceiling := min(courierBase<<min(p.attempts, 10), courierCap)
		due := c.options.Now().Add(rand.N(ceiling) + time.Millisecond)                                                                 //nolint:gosec // it spreads load
		if _, err := tx.Exec(`UPDATE webhooks SET attempts = attempts + 1, due = ? WHERE id = ?`, due.UnixMicro(), p.id); err != nil { //nolint:noctx // must end
			return err
		}
	}
	list, err := json.Marshal(done)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM webhooks WHERE id IN (SELECT value FROM json_each(?))`, string(list)); err != nil { //nolint:noctx // must end
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("record what was delivered: %w", err)
	}
	for i, p := range parcels {
		if taken[i] {
			c.announce(p.event)
		}
	}
	return nil
}
