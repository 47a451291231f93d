package main_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// buyers is how many goroutines create orders at once.
const buyers = 16

// crowd is buyers that create one order after the other, each with a request id that is never
// repeated, and never retried.
type crowd struct {
	stop   context.CancelFunc // no more orders; those on their way are waited for
	gone   sync.WaitGroup
	reach  int
	enough chan struct{} // closed when so many orders were acknowledged

	mu      sync.Mutex
	sent    []*ordersv1.CreateOrderRequest
	created map[string]*ordersv1.Order // acknowledged, by request id
	failed  map[string]error           // by request id
}

// letIn starts the buyers. Buyer i calls with clients[i % len(clients)], and leaves when a call fails.
func letIn(t *testing.T, reach int, clients ...ordersv1connect.OrderServiceClient) *crowd {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	c := &crowd{stop: stop, reach: reach, enough: make(chan struct{}), created: map[string]*ordersv1.Order{}, failed: map[string]error{}}
	for buyer := range buyers {
		c.gone.Go(func() {
			orders := clients[buyer%len(clients)]
			for n := 0; ctx.Err() == nil; n++ {
				if c.send(t.Context(), orders, purchase(buyer, n)) != nil {
					return
				}
			}
		})
	}
	t.Cleanup(func() {
		stop()
		c.gone.Wait()
	})
	return c
}

func purchase(buyer, n int) *ordersv1.CreateOrderRequest {
	return &ordersv1.CreateOrderRequest{
		RequestId: fmt.Sprintf("buyer-%d-%d", buyer, n),
		Order: &ordersv1.Order{
			CustomerId: fmt.Sprintf("cus_%d", buyer), CurrencyCode: "GBP", Note: fmt.Sprint(n),
			Lines: []*ordersv1.Line{{Sku: "85123A", Quantity: int64(n%7 + 1), UnitPriceMinor: 255}, {Sku: "71053", Quantity: 1, UnitPriceMinor: 339}},
		},
	}
}

// send sends one request and books what became of it.
func (c *crowd) send(ctx context.Context, orders ordersv1connect.OrderServiceClient, request *ordersv1.CreateOrderRequest) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	response, err := orders.CreateOrder(ctx, request)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, request)
	if err != nil {
		c.failed[request.RequestId] = err
		return err
	}
	c.created[request.RequestId] = response.GetOrder()
	if len(c.created) == c.reach {
		close(c.enough)
	}
	return nil
}

// wait waits until as many orders were acknowledged as the crowd was let in for.
func (c *crowd) wait(t *testing.T) {
	t.Helper()
	select {
	case <-c.enough:
	case <-time.After(startTime):
		require.FailNow(t, "the buyers do not get on")
	}
}

// bare is a client that never tries again, over HTTP/1.1 or over HTTP/2 without TLS.
func (srv *server) bare(t *testing.T, http2 bool) ordersv1connect.OrderServiceClient {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetUnencryptedHTTP2(http2)
	transport := &http.Transport{Protocols: protocols, MaxIdleConnsPerHost: buyers}
	t.Cleanup(transport.CloseIdleConnections)
	return ordersv1connect.NewOrderServiceClient(&http.Client{Transport: withToken{transport, srv.site.token(t)}}, srv.url)
}

// withToken sends each request with a token.
type withToken struct {
	next  http.RoundTripper
	token string
}

// RoundTrip implements http.RoundTripper.
func (w withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+w.token)
	return w.next.RoundTrip(r)
}

// requireKept wants every acknowledged order to be there, once, and every request that is repeated
// to make one order, whatever became of it the first time.
func (c *crowd) requireKept(t *testing.T, orders ordersv1connect.OrderServiceClient) {
	t.Helper()
	for _, want := range c.created { // it has gone on since
		got, err := orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: want.GetId()})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want.GetLines(), got.GetOrder().GetLines(), protocmp.Transform()))
		require.Equal(t, want.GetNote(), got.GetOrder().GetNote())
	}
	byID := map[string]bool{}
	for _, request := range c.sent {
		var first string
		for range 2 {
			got, err := orders.CreateOrder(t.Context(), request)
			require.NoError(t, err)
			if first == "" {
				first = got.GetOrder().GetId()
			}
			require.Equal(t, first, got.GetOrder().GetId())
			if acknowledged, ok := c.created[request.RequestId]; ok {
				require.Empty(t, cmp.Diff(acknowledged, got.GetOrder(), protocmp.Transform()), "repeated, %s has another answer", request.RequestId)
			}
		}
		byID[first] = true
	}
	require.Len(t, byID, len(c.sent), "two requests share an order")
	require.Equal(t, byID, stored(t, orders), "there are other orders than were asked for")
}

// stored lists the ids of all orders.
func stored(t *testing.T, orders ordersv1connect.OrderServiceClient) map[string]bool {
	t.Helper()
	byID := map[string]bool{}
	for request := (&ordersv1.ListOrdersRequest{PageSize: 500}); ; {
		page, err := orders.ListOrders(t.Context(), request)
		require.NoError(t, err)
		for _, o := range page.GetOrders() {
			require.NotContains(t, byID, o.GetId())
			byID[o.GetId()] = true
		}
		if page.GetNextPageToken() == "" {
			return byID
		}
		request.PageToken = page.GetNextPageToken()
	}
}

func TestKill_Creates(t *testing.T) {
	for _, backend := range backends {
		t.Run("no acknowledged order is lost or doubled when the server is killed on "+backend.name, func(t *testing.T) {
			s, random := backend.make(t), newRandom(t)
			srv := s.serve(t)
			crowd := letIn(t, 200+random.IntN(200), srv.bare(t, true))
			crowd.wait(t)
			srv.kill9(t)
			crowd.gone.Wait()
			t.Logf("%d orders were acknowledged, %d were on their way", len(crowd.created), len(crowd.failed))
			require.Len(t, crowd.failed, buyers)

			srv = s.serve(t)
			crowd.requireKept(t, srv.client(t).Orders)
			require.EqualValues(t, len(crowd.sent), s.verify(t).Orders)
		})
	}
}

func TestKill_Postgres(t *testing.T) {
	const late = 1_000_000 // the number of an order that no buyer came to
	cluster, err := pgtest.Start(t.Context(), pgtest.Options{Durable: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, cluster.Close()) }()
	var urls []string
	for i := range 5 {
		url, err := cluster.CreateDatabase(t.Context(), fmt.Sprintf("database_%d", i))
		require.NoError(t, err)
		urls = append(urls, url)
	}
	s := newSite(t).on(urls)
	s.do(t, "migrate", "up")
	srv := s.serve(t)
	orders := srv.client(t).Orders
	crowd := letIn(t, 300, srv.bare(t, true), srv.bare(t, false))
	crowd.wait(t)

	require.NoError(t, cluster.Kill9())
	crowd.gone.Wait()

	t.Run("the server stays, and says that it is unavailable", func(t *testing.T) {
		require.Len(t, crowd.failed, buyers)
		for _, err := range crowd.failed {
			requireDown(t, err)
		}
		once := srv.bare(t, true)
		for buyer := range buyers { // customers of every shard
			_, err := once.CreateOrder(t.Context(), purchase(buyer, late))
			requireDown(t, err)
		}
		_, err := once.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{})
		requireDown(t, err)
		require.Equal(t, http.StatusOK, srv.status(t, "/livez"))
		require.Equal(t, http.StatusOK, srv.status(t, "/readyz"), "no replica would do better")
	})

	require.NoError(t, cluster.Restart(t.Context()))

	t.Run("it recovers by itself, and nothing acknowledged is lost", func(t *testing.T) {
		require.Eventually(t, func() bool {
			_, err := orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{})
			return err == nil
		}, startTime, 50*time.Millisecond)
		t.Logf("%d orders were acknowledged, %d were on their way", len(crowd.created), len(crowd.failed))
		for buyer := range buyers {
			request := purchase(buyer, late)
			_, err := orders.CreateOrder(t.Context(), request)
			require.NoError(t, err)
			crowd.sent = append(crowd.sent, request)
		}
		crowd.requireKept(t, orders)
		require.EqualValues(t, len(crowd.sent), s.verify(t).Orders)
		select {
		case <-srv.ended:
			require.FailNow(t, "the server ended", "%s", srv.log)
		default:
		}
	})
}

// requireDown wants the error that tells a caller to come back with the same request.
func requireDown(t *testing.T, err error) {
	t.Helper()
	var said *connect.Error
	require.True(t, errors.As(err, &said), "%v", err)
	require.True(t, connect.IsWireError(err), "not said by the server: %v", err)
	require.Equal(t, connect.CodeUnavailable, said.Code(), "%v", err)
	require.Equal(t, string(fault.ReasonDatabaseDown), client.Reason(err))
}
