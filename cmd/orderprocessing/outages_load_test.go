package main_test

import (
	"cmp"
	"context"
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

const (
	// shopRate is how many orders are placed a second. Each is read and listed, and one in five is canceled.
	shopRate = 20
	// shopPatience is how long a call may take.
	shopPatience = 15 * time.Second
)

// shoppers are a crowd that stays when a call fails, and notes why it did.
type shoppers struct {
	*crowd
	// Under the crowd's lock:
	why  map[fault.Reason]error // why calls have failed, one of each reason
	stay []string               // orders that were acknowledged and not canceled, oldest first
}

// letShop lets customers in who place orders at a rate, pay well, and never try again.
func letShop(t *testing.T, srv *server) *shoppers {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := &shoppers{why: map[fault.Reason]error{}, crowd: &crowd{
		stop: stop, reach: -1, created: map[string]*ordersv1.Order{}, failed: map[string]error{},
	}}
	pace := rate.NewLimiter(shopRate, 1)
	ways := []ordersv1connect.OrderServiceClient{srv.bare(t, true), srv.bare(t, false)}
	for buyer := range buyers {
		s.gone.Go(func() {
			for n := 0; pace.Wait(ctx) == nil; n++ {
				s.shop(context.WithoutCancel(ctx), ways[buyer%len(ways)], buyer, n)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		s.gone.Wait()
	})
	return s
}

// shop places an order and looks at it, as one of a buyer's many customers.
func (s *shoppers) shop(ctx context.Context, orders ordersv1connect.OrderServiceClient, buyer, n int) {
	ctx, cancel := context.WithTimeout(ctx, shopPatience)
	defer cancel()
	request := purchase(buyer, n)
	request.PaymentMethod, request.Order.CustomerId = "tok_ok", fmt.Sprintf("cus_%d_%d", buyer, n%50)
	err := s.send(ctx, orders, request)
	s.note(err)
	if err != nil {
		return
	}
	s.mu.Lock()
	id := s.created[request.RequestId].GetId()
	s.mu.Unlock()
	_, err = orders.GetOrder(ctx, &ordersv1.GetOrderRequest{OrderId: id})
	s.note(err)
	_, err = orders.ListOrders(ctx, &ordersv1.ListOrdersRequest{Filter: &ordersv1.OrderFilter{CustomerId: request.Order.CustomerId}})
	s.note(err)
	if n%5 == 0 {
		_, err = orders.CancelOrder(ctx, &ordersv1.CancelOrderRequest{OrderId: id, RequestId: "cancel-" + id, Reason: "changed my mind"})
		s.note(err)
		return
	}
	s.mu.Lock()
	s.stay = append(s.stay, id)
	s.mu.Unlock()
}

func (s *shoppers) note(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why[fault.Reason(cmp.Or(client.Reason(err), connect.CodeOf(err).String()))] = err
}

// failures gives why calls have failed since the last time.
func (s *shoppers) failures() map[fault.Reason]error {
	s.mu.Lock()
	defer s.mu.Unlock()
	why := s.why
	s.why = map[fault.Reason]error{}
	return why
}

// acknowledged is how many orders were.
func (s *shoppers) acknowledged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.created)
}

// wait waits until so many more orders were acknowledged, and gives those that stay.
func (s *shoppers) wait(t *testing.T, more int) (ids []string) {
	t.Helper()
	placed := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.stay)
	}
	before := placed()
	require.Eventually(t, func() bool { return placed() >= before+more }, startTime, 10*time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stay[before : before+more]
}
