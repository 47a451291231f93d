package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
)

const (
	// cachedOrders is how many orders are read, again and again, and cachedTurns how often the two servers
	// take turns.
	cachedOrders = 1000
	cachedTurns  = 5
)

// alike makes both collect garbage as Go does; the command serve would do it more rarely by itself.
const alike = "GOGC=100"

// measureCached measures reading orders that are cached against a handler that has its answer ready, in
// the same server: what is left is the cache and making the answer.
func (b *bench) measureCached(ctx context.Context) error {
	p, err := b.serve(ctx, "cached", alike)
	if err != nil {
		return err
	}
	defer p.stop() //nolint:errcheck // it only read
	one, names, err := p.placeSome(ctx)
	if err != nil {
		return err
	}
	every, answer, only := b.file("cached-orders"), b.file("cached-answer"), b.file("cached-order")
	content, err := proto.Marshal(one)
	if err != nil {
		return err
	}
	err = errors.Join(
		os.WriteFile(every, []byte(strings.Join(names, "\n")), 0o600),
		os.WriteFile(only, []byte(one.GetOrder().GetId()), 0o600),
		os.WriteFile(answer, content, 0o600))
	if err != nil {
		return err
	}
	fixed, err := b.serveFixed(ctx, answer, alike)
	if err != nil {
		return err
	}
	defer fixed.stop() //nolint:errcheck // it only read
	var rate, cpu [2][]float64
	for turn := range cachedTurns + 1 {
		for i, one := range []struct{ host, names string }{{p.api, every}, {fixed.api, only}} {
			r, err := runLoad(ctx, loadJob{Host: one.host, Do: doGet, Connections: readConnections, Seconds: b.seconds / 2, Names: one.names})
			if err != nil {
				return err
			}
			if turn > 0 { // the first one warms up
				rate[i], cpu[i] = append(rate[i], float64(r.Answered)/r.Seconds), append(cpu[i], 1e6*r.CPU/float64(r.Answered))
			}
		}
	}
	b.report.add(
		row{Row: "GetOrder from the cache", Value: median(rate[0]), Unit: "calls/s"}.to("the same answer, ready", median(rate[1])).atLeast(.8),
		row{Row: "  the same answer, ready", Value: median(rate[1]), Unit: "calls/s"},
		row{Row: "  resident memory of the server", Value: float64(p.memory("VmRSS")) / (1 << 20), Unit: "MiB"},
	)
	b.report.note("GetOrder from the cache: %d orders of three lines on the embedded default; against the same server with a handler that always gives one of them; both with GOGC=100; "+
		"turns of %.0f s, %d connections, "+
		"the median of %d turns; the load client takes %.0f µs of CPU a call", cachedOrders, b.seconds/2, readConnections, cachedTurns, median(cpu[0]))
	return nil
}

// placeSome drafts the orders, so that nothing happens to them, and gives the answer with one and all ids.
func (p *process) placeSome(ctx context.Context) (*ordersv1.GetOrderResponse, []string, error) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	orders := ordersv1connect.NewOrderServiceClient(&http.Client{Transport: withToken{transport}}, "http://"+p.api)
	names := make([]string, cachedOrders)
	group, inGroup := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for n := range names {
		group.Go(func() error {
			placed, err := orders.CreateOrder(inGroup, &ordersv1.CreateOrderRequest{
				RequestId: fmt.Sprint("cached-", n), Draft: true,
				Order: &ordersv1.Order{CustomerId: fmt.Sprint("cus_", n), CurrencyCode: "GBP", Lines: []*ordersv1.Line{
					{Sku: skuOf(1), Quantity: 6, UnitPriceMinor: 255},
					{Sku: skuOf(2), Quantity: 6, UnitPriceMinor: 339},
					{Sku: skuOf(3), Quantity: 8, UnitPriceMinor: 275},
				}},
			})
			names[n] = placed.GetOrder().GetId()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	one, err := orders.GetOrder(ctx, &ordersv1.GetOrderRequest{OrderId: names[0]})
	return one, names, err
}

// withToken calls as the administrator.
type withToken struct{ http.RoundTripper }

func (w withToken) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+os.Getenv(tokenVariable))
	return w.RoundTripper.RoundTrip(req)
}
