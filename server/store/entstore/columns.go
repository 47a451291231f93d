package entstore

import (
	"encoding/json"
	"time"

	"github.com/orderprocessing/orderprocessing/ent/schema"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/events"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// columns are new orders as insertOrders takes them: an array a column, all of the same length.
type columns struct {
	requests     [][16]byte
	fingerprints [][]byte
	ids          [][16]byte
	slots        []int16
	times        []time.Time
	customers    []string
	sources      []string
	numbers      []string
	lifecycles   []int16
	payments     []int16
	fulfillments []int16
	currencies   []string
	lines        []string // JSON
	shippings    []int64
	totals       []int64
	addresses    []string // JSON; empty for none
	notes        []string
	events       [][16]byte
	changes      [][]byte
}

func (c *columns) arguments() []any {
	return []any{
		c.requests, c.fingerprints, c.ids, c.slots, c.times, c.customers, c.sources, c.numbers, c.lifecycles,
		c.payments, c.fulfillments, c.currencies, c.lines, c.shippings, c.totals, c.addresses, c.notes,
		c.events, c.changes,
	}
}

// add appends a new order, or fails and appends nothing.
func (c *columns) add(n store.NewOrder) (order.Order, error) {
	o, happened, err := order.Order{}.Advance(n.ID, n.Created, n.Change)
	if err != nil {
		return o, err
	}
	total, err := o.Total()
	if err != nil {
		return o, err
	}
	lines, err := json.Marshal(linesToRow(o))
	if err != nil {
		return o, err
	}
	var address []byte
	if o.ShipTo != (order.Address{}) {
		if address, err = json.Marshal(schema.Address(o.ShipTo)); err != nil {
			return o, err
		}
	}
	change, err := events.Marshal(happened[0].Change)
	if err != nil {
		return o, err
	}
	c.requests = append(c.requests, n.Request.Key)
	c.fingerprints = append(c.fingerprints, n.Request.Fingerprint[:])
	c.ids = append(c.ids, o.ID.UUID)
	c.slots = append(c.slots, int16(o.ID.Slot())) //nolint:gosec // below 4096
	c.times = append(c.times, o.Created)
	c.customers = append(c.customers, o.CustomerID)
	c.sources = append(c.sources, o.Source)
	c.numbers = append(c.numbers, o.Number)
	c.lifecycles = append(c.lifecycles, int16(o.Lifecycle))
	c.payments = append(c.payments, int16(o.Payment))
	c.fulfillments = append(c.fulfillments, int16(o.Fulfillment))
	c.currencies = append(c.currencies, string(o.Currency))
	c.lines = append(c.lines, string(lines))
	c.shippings = append(c.shippings, int64(o.Shipping))
	c.totals = append(c.totals, int64(total))
	c.addresses = append(c.addresses, string(address))
	c.notes = append(c.notes, o.Note)
	c.events = append(c.events, o.ID.WithPart(1))
	c.changes = append(c.changes, change)
	return o, nil
}
