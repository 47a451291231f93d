package main

import (
	"context"
	"errors"
	"fmt"
	"os"
)

const (
	// satisfied is how many connections find the most that is answered.
	satisfied = 256
	// crowded is how many there are when calls are offered: more than the gate lets in and lets wait, so
	// that it has to turn some away.
	crowded = 3072
	// overload is what is offered at last, in relation to the most.
	overload = 3
)

// offers are what is offered first, in relation to the most.
var offers = []float64{.25, .5, .75, .9, 1, 1.25, 1.5, 2}

// offered is what became of one rate.
type offered struct {
	rate    float64 // calls a second, by plan
	goodput float64 // answered well, a second
	shed    float64 // turned away, a second
	unsent  float64 // due when no connection was free, a second
	p50     float64 // milliseconds of those answered well, from when they were due
	p99     float64
}

// measureSaturation measures what becomes of more and more calls, beyond what can be answered.
func (b *bench) measureSaturation(ctx context.Context) error {
	cfg, err := b.databases(ctx, "saturation")
	if err != nil {
		return err
	}
	p, err := b.serve(ctx, "saturation", environmentOf(cfg)...)
	if err != nil {
		return err
	}
	defer p.stop() //nolint:errcheck // stopped below, unless something failed before
	if err := p.stockUp(ctx); err != nil {
		return fmt.Errorf("put goods on the shelves: %w", err)
	}
	c := creating{bench: b, cfg: cfg, process: p}
	if c.shards, err = openShards(ctx, urlsOf(cfg)); err != nil {
		return err
	}
	defer c.shards.close(context.WithoutCancel(ctx))
	if err := c.crowd(ctx); err != nil {
		return err
	}
	if err := p.stop(); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	return c.audit(ctx)
}

// crowd finds the most, offers parts and multiples of it, and reports.
func (c *creating) crowd(ctx context.Context) error {
	var closed loadResult
	for _, run := range []string{"warm-up", "most"} {
		var err error
		if closed, err = c.load(ctx, loadJob{Do: doCreate, Connections: satisfied, Seconds: c.seconds, Run: run}); err != nil {
			return err
		}
	}
	scale := float64(closed.Answered) / closed.Seconds
	most := scale
	var curve []offered
	for _, share := range offers {
		o, err := c.offer(ctx, share*scale)
		if err != nil {
			return err
		}
		curve = append(curve, o)
		most = max(most, o.goodput)
	}
	beyond, err := c.offer(ctx, overload*most)
	for err == nil && beyond.goodput > 1.05*most { // it was not the most
		curve, most = append(curve, beyond), beyond.goodput
		beyond, err = c.offer(ctx, overload*most)
	}
	if err != nil {
		return err
	}
	curve = append(curve, beyond)
	c.reportCurve(curve, most)
	if c.picture == "" {
		return nil
	}
	return os.WriteFile(c.picture, []byte(drawSaturation(curve)), 0o600)
}

// reportCurve reports what became of each rate, the last of which is the overload.
func (c *creating) reportCurve(curve []offered, most float64) {
	for _, o := range curve {
		name := fmt.Sprintf("CreateOrder, %.0f/s offered: answered", o.rate)
		c.report.add(
			row{Row: name, Value: o.goodput, Unit: "orders/s"}.to("offered", o.rate),
			row{Row: "  p50 of these, from when they were due", Value: o.p50, Unit: "ms"},
			row{Row: "  p99 of these", Value: o.p99, Unit: "ms"},
			row{Row: "  turned away", Value: o.shed, Unit: "calls/s"},
			row{Row: "  due when no connection was free", Value: o.unsent, Unit: "calls/s"},
		)
	}
	beyond := curve[len(curve)-1]
	c.report.add(
		row{Row: "overload, three times the most: answered", Value: beyond.goodput, Unit: "orders/s"}.to("the most", most).atLeast(.9),
		row{Row: "  p99 of these", Value: beyond.p99, Unit: "ms"}.atMost(1000),
	)
	c.report.note("saturation: after two closed loops over %d connections, the second of which sets the scale, each rate is offered for %.0f s by a "+
		"Poisson process over %d connections of HTTP/1.1 with one call at a time, by the load client of create; what is due when none is free is counted and not "+
		"made; sagas are carried on all the time, and until all rest before the next rate", satisfied, c.seconds, crowded)
}

func (c *creating) offer(ctx context.Context, rate float64) (o offered, err error) {
	r, err := c.load(ctx, loadJob{
		Do: doCreate, Connections: crowded, Seconds: c.seconds, Rate: rate, Open: true, Run: fmt.Sprint("offer-", c.turns),
	})
	if err != nil {
		return o, err
	}
	if r.Answered == 0 {
		return o, errors.New("nothing was answered")
	}
	seconds := c.seconds // in which calls were due; the last answers come later
	return offered{
		rate: rate, goodput: float64(r.Answered) / max(seconds, r.Seconds), shed: float64(r.Shed) / seconds, unsent: float64(r.Unsent) / seconds,
		p50: r.P50, p99: r.P99,
	}, nil
}

// load runs a load against the server, counts what it acknowledged, and waits until that rests: what is left
// to do for the orders of one rate must not slow down the next.
func (c *creating) load(ctx context.Context, j loadJob) (loadResult, error) {
	c.turns++
	j.Host, j.HTTP1 = c.process.api, true
	r, err := runLoad(ctx, j)
	c.acknowledged += r.Answered
	return r, errors.Join(err, c.rest(ctx))
}
