package entstore

import (
	"context"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// A batch of stock operations is settled like this: the levels of all its SKUs are locked in the
// order of their keys, what is stored of its holds is read, the operations are decided one after
// the other in the order of their arrival, and what has changed is written, one statement a table.
//
// The lock of a level is the queue for everything that happens to its SKU. It is always taken
// first and in key order, so nobody waits in a circle, and a batch costs one new version of a hot
// row instead of one an order. The levels are written by what changes, under the condition that
// nothing is promised twice: should a lock ever be missing, the condition refuses the batch.

// shelf is one open transaction that knows stock.
type shelf interface {
	// read locks the levels of the operations and reads all that they concern.
	read(ctx context.Context, ops []stockOp) (*book, error)
	// waiting reads backordered holds of a SKU, by order, behind the order after.
	waiting(ctx context.Context, sku string, after order.ID, limit int) ([]stock.Hold, error)
	// write stores changes. It fails with errLostRace when they don't fit what is stored.
	write(ctx context.Context, c changes) error
}

// storedHolds is what is stored of some holds.
type storedHolds map[id.UUID]stock.Hold

// of gives a hold as it is stored, or one that is only requested.
func (s storedHolds) of(l stockLine) stock.Hold {
	if h, ok := s[l.id]; ok {
		return h
	}
	return stock.Hold{OrderID: l.orderID, SKU: l.sku}
}

// book is what a batch concerns: as it was read, and as it becomes.
type book struct {
	levels, levelsRead map[string]stock.Level
	holds, holdsRead   storedHolds
	commits            map[id.UUID]commitment
	newCommits         []commitment
	letGo              map[string]bool // SKUs of which something was let go: others may wait for it
}

func newBook() *book {
	return &book{
		levels: map[string]stock.Level{}, levelsRead: map[string]stock.Level{},
		holds: storedHolds{}, holdsRead: storedHolds{}, commits: map[id.UUID]commitment{},
		letGo: map[string]bool{},
	}
}

func (b *book) addLevel(l stock.Level) { b.levels[l.SKU], b.levelsRead[l.SKU] = l, l }

func (b *book) addHold(h stock.Hold) {
	key := stock.HoldID(h.OrderID, h.SKU)
	b.holds[key], b.holdsRead[key] = h, h
}

// settle decides a batch and gives what remains to be done: the write.
func settle(ctx context.Context, sh shelf, ops []stockOp, now time.Time) ([]settled, func() error, error) {
	b, err := sh.read(ctx, ops)
	if err != nil {
		return nil, nil, err
	}
	results := make([]settled, len(ops))
	for i, op := range ops {
		results[i].Value, results[i].Err = b.apply(op)
	}
	for sku := range b.letGo {
		if err := b.fill(ctx, sh, sku); err != nil {
			return nil, nil, err
		}
	}
	return results, func() error { return sh.write(ctx, b.changes(now)) }, nil
}

// apply lets one operation take effect in the book, or refuses it and leaves the book as it was.
// It gives the holds of the lines; of an expiry those that it let go.
func (b *book) apply(op stockOp) ([]stock.Hold, error) {
	after := newBook() // of this operation alone: its lines are of different holds
	answers := make([]stock.Hold, 0, len(op.lines))
	for _, line := range op.lines {
		level, touched := after.levels[line.sku]
		if !touched {
			level = b.level(line.sku)
		}
		was := b.holds.of(line)
		if op.act == committing {
			if first, answered, err := b.firstCommit(op.request, line, was); answered || err != nil {
				if err != nil {
					return nil, err
				}
				answers = append(answers, first)
				continue
			}
		}
		level, hold, err := op.decide(level, was, line.quantity)
		if err != nil {
			return nil, err
		}
		after.levels[line.sku], after.holds[line.id] = level, hold
		if op.act != committing && hold.Open() < was.Open() {
			after.letGo[line.sku] = true
		}
		if op.act == committing {
			after.newCommits = append(after.newCommits,
				commitment{commitID(op.request, line), line, hold.Committed, op.request.Fingerprint})
		}
		if op.act != expiring || hold.State != was.State {
			answers = append(answers, hold)
		}
	}
	for sku, level := range after.levels {
		b.levels[sku] = level
	}
	for key, hold := range after.holds {
		b.holds[key] = hold
	}
	for sku := range after.letGo {
		b.letGo[sku] = true
	}
	for _, c := range after.newCommits {
		b.commits[c.id] = c
	}
	b.newCommits = append(b.newCommits, after.newCommits...)
	return answers, nil
}

// firstCommit gives the first answer of a commit that was answered before.
func (b *book) firstCommit(r store.Request, l stockLine, h stock.Hold) (stock.Hold, bool, error) {
	first, answered := b.commits[commitID(r, l)]
	if !answered {
		return h, false, nil
	}
	if first.fingerprint != r.Fingerprint {
		return h, false, store.ErrRequestReused()
	}
	h.Committed, h.State = first.committed, stock.Held
	if h.Committed == h.Quantity {
		h.State = stock.Committed
	}
	return h, true, nil
}

func (b *book) level(sku string) stock.Level {
	if l, ok := b.levels[sku]; ok {
		return l
	}
	return stock.Level{SKU: sku} // nobody stocks it
}

// fillPage is how many backordered holds are read at once.
const fillPage = 500

// fill gives what is free to those who wait for it, by order, until it does not cover the next.
func (b *book) fill(ctx context.Context, sh shelf, sku string) error {
	var after order.ID
	for more := true; more; {
		if l := b.levels[sku]; l.Backordered == 0 || l.Free() == 0 {
			return nil
		}
		page, err := sh.waiting(ctx, sku, after, fillPage)
		if err != nil {
			return err
		}
		more = len(page) == fillPage
		if !more { // those that began to wait in this batch are not stored yet
			page = append(page, b.newlyWaiting(sku)...)
		}
		for _, h := range page {
			after = h.OrderID
			if !b.fillOne(sku, h) {
				return nil
			}
		}
	}
	return nil
}

// fillOne tells whether there was enough for the hold, or it does not wait any more.
func (b *book) fillOne(sku string, h stock.Hold) bool {
	key := stock.HoldID(h.OrderID, sku)
	if known, ok := b.holds[key]; ok {
		h = known
	} else {
		b.addHold(h)
	}
	if h.State != stock.Backordered {
		return true
	}
	level, filled, ok := b.levels[sku].Fill(h)
	if ok {
		b.levels[sku], b.holds[key] = level, filled
	}
	return ok
}

func (b *book) newlyWaiting(sku string) (waiting []stock.Hold) {
	for key, h := range b.holds {
		if h.SKU == sku && h.State == stock.Backordered && b.holdsRead[key].State != stock.Backordered {
			waiting = append(waiting, h)
		}
	}
	slices.SortFunc(waiting, func(x, y stock.Hold) int { return x.OrderID.Compare(y.OrderID.UUID) })
	return waiting
}
