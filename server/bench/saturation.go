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
	// overload is what is offered at last, in relation to the most that a closed loop comes to.
	overload = 3
	// overloads is how often what is answered then is compared with that.
	overloads = 3
)

// offers are what is offered first, in relation to that most.
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
	if _, err := c.most(ctx); err != nil { // to warm up
		return err
	}
	scale, err := c.most(ctx)
	if err != nil {
		return err
	}
	var curve []offered
	for _, share := range offers {
		o, err := c.offer(ctx, share*scale)
		if err != nil {
			return err
		}
		curve = append(curve, o)
	}
	c.reportCurve(curve)
	beyond, err := c.overload(ctx)
	if err != nil {
		return err
	}
	curve = append(curve, beyond)
	if c.picture == "" {
		return nil
	}
	return os.WriteFile(c.picture, []byte(drawSaturation(curve)), 0o600)
}

// most gives what a closed loop comes to, in which nobody is turned away.
func (c *creating) most(ctx context.Context) (rate float64, err error) {
	r, err := c.load(ctx, loadJob{Do: doCreate, Connections: satisfied, Seconds: c.seconds, Run: fmt.Sprint("most-", c.turns)})
	return float64(r.Answered) / r.Seconds, err
}

// overload finds by turns the most and offers three times that, and reports how they compare. It gives the
// last turn of the latter.
func (c *creating) overload(ctx context.Context) (beyond offered, err error) {
	var most, rates, much, p99 float64
	for range overloads {
		rate, err := c.most(ctx)
		if err != nil {
			return beyond, err
		}
		if beyond, err = c.offer(ctx, overload*rate); err != nil {
			return beyond, err
		}
		most, rates, much, p99 = most+rate/overloads, rates+beyond.rate/overloads, much+beyond.goodput/overloads, max(p99, beyond.p99)
	}
	c.report.add(
		row{Row: fmt.Sprintf("CreateOrder, closed loop of %d connections", satisfied), Value: most, Unit: "orders/s"},
		row{Row: fmt.Sprintf("overload, %.0f/s offered: answered", rates), Value: much, Unit: "orders/s"}.to("that closed loop", most).atLeast(.9),
		row{Row: "  p99 of these, of the slowest turn", Value: p99, Unit: "ms"}.atMost(1000),
	)
	return beyond, nil
}

// reportCurve reports what became of each rate.
func (c *creating) reportCurve(curve []offered) {
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
	c.report.note("saturation: after two closed loops over %d connections, the second of which sets the scale, each rate is offered for %.0f s by a "+
		"Poisson process over %d connections of HTTP/1.1 with one call at a time, by the load client of create; what is due when none is free is counted and not "+
		"made; sagas are carried on all the time, and until all rest before the next rate; at last, %d times by turns, a closed loop over %d connections "+
		"of HTTP/1.1 and %d times the rate that it came to", satisfied, c.seconds, crowded, overloads, satisfied, overload)
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
	c.profileTurn(ctx, c.process, fmt.Sprintf("saturation-%d-%.0f", c.turns, j.Rate), j.Seconds)
	r, err := runLoad(ctx, j)
	c.acknowledged += r.Answered
	return r, errors.Join(err, c.rest(ctx))
}
