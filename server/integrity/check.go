package integrity

import (
	"context"
	"fmt"

	"github.com/orderprocessing/orderprocessing/server/pause"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// check is one run over everything.
type check struct {
	Sources

	report   Report
	suspects suspects
}

// Check reads all shards, one after the other, and then the gateway's ledger. progress, which may be
// nil, is told how many orders were read so far.
func Check(ctx context.Context, from Sources, progress func(orders int64)) (Report, error) {
	c := &check{Sources: from, suspects: suspects{}}
	c.report.Listed, c.report.UnsettledListed = []Violation{}, []Violation{}
	if c.Wait == nil {
		c.Wait = pause.For
	}
	for i, one := range c.Shards() {
		shard, err := c.checkShard(ctx, i, one, progress)
		if err != nil {
			return c.report, err
		}
		c.report.add(shard)
	}
	if err := c.settle(ctx); err != nil {
		return c.report, fmt.Errorf("look again: %w", err)
	}
	if err := c.compare(ctx); err != nil {
		return c.report, err
	}
	c.report.OK = c.report.Violations == 0
	return c.report, nil
}

func (c *check) checkShard(ctx context.Context, i int, one store.Store, progress func(int64)) (shard Shard, err error) {
	shard.Shard = i
	payments := &paymentWalk{check: c, shard: i, store: one}
	read := func(orders int64) {
		if progress != nil {
			progress(c.report.Orders + orders)
		}
	}
	if err = c.checkOrders(ctx, &shard, one, payments, read); err != nil {
		return shard, fmt.Errorf("read shard %d: %w", i, err)
	}
	shard.Payments = payments.read
	if shard.SKUs, err = c.checkStock(ctx, i, one); err != nil {
		return shard, fmt.Errorf("read the stock of shard %d: %w", i, err)
	}
	if shard.Holds, err = c.checkHolds(ctx, i, one); err != nil {
		return shard, fmt.Errorf("read the holds of shard %d: %w", i, err)
	}
	if shard.Sagas, err = c.checkSagas(ctx, i); err != nil {
		return shard, fmt.Errorf("read the sagas of shard %d: %w", i, err)
	}
	return shard, nil
}

// add counts a shard.
func (r *Report) add(s Shard) {
	r.Orders += s.Orders
	r.Events += s.Events
	r.SKUs += s.SKUs
	r.Holds += s.Holds
	r.Payments += s.Payments
	r.Sagas += s.Sagas
	r.Shards = append(r.Shards, s)
}

func (c *check) found(v Violation) {
	c.report.Violations++
	if len(c.report.Listed) < maxListed {
		c.report.Listed = append(c.report.Listed, v)
	}
}

func (c *check) unsettled(v Violation) {
	c.report.Unsettled++
	if len(c.report.UnsettledListed) < maxListed {
		c.report.UnsettledListed = append(c.report.UnsettledListed, v)
	}
}

// compare holds the gateway's ledger against ours. That it cannot be read is a violation: then nobody
// knows.
func (c *check) compare(ctx context.Context) error {
	if c.Compare == nil {
		return nil
	}
	compared, differences, err := c.Compare(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		c.found(Violation{Invariant: Ledgers, Detail: "it could not be compared: " + err.Error()})
		return nil
	}
	c.report.Gateway = &compared
	for _, d := range differences {
		v := Violation{Invariant: Ledgers, Shard: c.Owner(d.PaymentID.Slot()), Detail: d.PaymentID.String() + ": " + d.Detail}
		if !d.OrderID.IsZero() {
			v.OrderID = d.OrderID.String()
		}
		if d.Unknown {
			c.unsettled(v)
			continue
		}
		c.found(v)
	}
	return nil
}
