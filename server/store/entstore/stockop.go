package entstore

import (
	"slices"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// act is what an operation does to each of its holds.
type act uint8

const (
	holding act = iota
	releasing
	committing
	expiring
)

// stockOp is one call. It takes effect as a whole or not at all.
type stockOp struct {
	act     act
	lines   []stockLine   // each hold once
	at      time.Time     // holding: until when; expiring: the time that it is
	request store.Request // committing
	caller
}

// stockLine is one hold that a call is about.
type stockLine struct {
	id       id.UUID
	orderID  order.ID
	sku      string
	quantity int64 // holding and committing
}

func newLine(orderID order.ID, sku string, quantity int64) stockLine {
	return stockLine{stock.HoldID(orderID, sku), orderID, sku, quantity}
}

func linesOf(orderID order.ID, demands []stock.Demand) []stockLine {
	lines := make([]stockLine, len(demands))
	for i, d := range demands {
		lines[i] = newLine(orderID, d.SKU, d.Quantity)
	}
	return lines
}

// commitment is stock that left the shelf.
type commitment struct {
	id          id.UUID
	line        stockLine
	committed   int64 // of the hold, with this
	fingerprint [32]byte
}

// commitID gives the key of what leaves for one line of a request.
func commitID(r store.Request, l stockLine) id.UUID {
	return id.Derived(l.orderID.Time(), stock.SlotOf(l.sku), "commit\x00"+string(r.Key[:])+string(l.id[:]))
}

func (op stockOp) decide(l stock.Level, h stock.Hold, quantity int64) (stock.Level, stock.Hold, error) {
	switch op.act {
	case holding:
		return l.Hold(h, quantity, op.at)
	case committing:
		return l.Commit(h, quantity)
	case releasing:
		l, h = l.Release(h)
	case expiring:
		l, h = l.Expire(h, op.at)
	}
	return l, h, nil
}

// concerns lists what operations are about: SKUs in the order of their keys, each once.
func concerns(ops []stockOp) (skus []string, holds, commits []id.UUID) {
	for _, op := range ops {
		for _, l := range op.lines {
			skus = append(skus, l.sku)
			holds = append(holds, l.id)
			if op.act == committing {
				commits = append(commits, commitID(op.request, l))
			}
		}
	}
	return sorted(skus, strings.Compare), sorted(holds, id.UUID.Compare), sorted(commits, id.UUID.Compare)
}

func sorted[T comparable](items []T, compare func(a, b T) int) []T {
	slices.SortFunc(items, compare)
	return slices.Compact(items)
}
