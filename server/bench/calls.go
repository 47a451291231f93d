package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
)

// What a load does.
const (
	doCreate       = "create"
	doCreateHot    = "create-hot"    // everyone buys the same product among others
	doDraft        = "draft"         // drafts, which nothing follows from; each connection of customers of one shard
	doGet          = "get"           // any of the names, which are ids of orders
	doList         = "list"          // the newest page of all shards
	doListCustomer = "list-customer" // the newest page of any of the names, which are customers
)

// pageSize is how many orders a list reads.
const pageSize = 50

// errNothing is an answer without what was asked for.
var errNothing = errors.New("an answer has not what was asked for")

// calls gives what makes the calls of one connection, each with messages of its own.
func (j loadJob) calls() (func(connection int) func(caller) error, error) {
	var names []string
	if j.Names != "" {
		content, err := os.ReadFile(j.Names)
		if err != nil {
			return nil, err
		}
		names = strings.Fields(string(content))
	}
	anyName := func() string { return names[rand.IntN(len(names))] } //nolint:gosec // any will do
	switch j.Do {
	case doCreate, doCreateHot, doDraft:
		return j.create, nil
	case doGet:
		return func(int) func(caller) error {
			var request ordersv1.GetOrderRequest
			var response ordersv1.GetOrderResponse
			return exchange(ordersv1connect.OrderServiceGetOrderProcedure, &request, &response,
				func() { request.OrderId = anyName() },
				func() bool { return response.GetOrder().GetId() == request.GetOrderId() })
		}, nil
	case doList, doListCustomer:
		return func(int) func(caller) error {
			request := ordersv1.ListOrdersRequest{PageSize: pageSize}
			var response ordersv1.ListOrdersResponse
			return exchange(ordersv1connect.OrderServiceListOrdersProcedure, &request, &response,
				func() {
					if j.Do == doListCustomer {
						request.Filter = &ordersv1.OrderFilter{CustomerId: anyName()}
					}
				},
				func() bool { return len(response.GetOrders()) == pageSize })
		}, nil
	}
	return nil, fmt.Errorf("no such load: %q", j.Do)
}

// create places orders of any of 100,000 customers, with three lines like those of the floor's orders, of
// any products.
func (j loadJob) create(connection int) func(caller) error {
	lines := []*ordersv1.Line{
		{Quantity: 6, UnitPriceMinor: 255}, {Quantity: 6, UnitPriceMinor: 339}, {Quantity: 8, UnitPriceMinor: 275},
	}
	request := ordersv1.CreateOrderRequest{Order: &ordersv1.Order{CurrencyCode: "GBP", Lines: lines}, PaymentMethod: "tok_ok"}
	buyer := anyBuyer
	if j.Do == doDraft {
		request.Draft, request.PaymentMethod = true, ""
		buyer = buyersOf(j.Spread, connection%j.Spread)
	}
	var response ordersv1.CreateOrderResponse
	n := 0
	return exchange(ordersv1connect.OrderServiceCreateOrderProcedure, &request, &response,
		func() {
			n++
			request.RequestId = fmt.Sprintf("%s-%d-%d", j.Run, connection, n)
			request.Order.CustomerId = buyer()
			first := rand.IntN(goods) //nolint:gosec // any will do
			for i, line := range lines {
				line.Sku = skuOf((first + i*goods/len(lines)) % goods)
			}
			if j.Do == doCreateHot {
				lines[0].Sku = skuOf(0)
			}
		},
		func() bool { return response.GetOrder().GetCustomerId() == request.GetOrder().GetCustomerId() })
}

func anyBuyer() string { return fmt.Sprintf("cus_%d", rand.IntN(100_000)) } //nolint:gosec // any will do

// buyersOf gives any customer of one of so many shards.
func buyersOf(shards, one int) func() string {
	owned := shard.Even(shards).Ranges[one]
	return func() string {
		for {
			if name := anyBuyer(); owned.First <= id.SlotOf(name) && id.SlotOf(name) <= owned.Last {
				return name
			}
		}
	}
}

// exchange gives what makes a call: it lets next fill the request, sends it, reads the answer into
// response and lets right look at it.
func exchange(procedure string, request, response proto.Message, next func(), right func() bool) func(caller) error {
	var message []byte
	return func(c caller) (err error) {
		next()
		if message, err = (proto.MarshalOptions{}).MarshalAppend(message[:0], request); err != nil {
			return err
		}
		answer, err := c.call(procedure, message)
		if err != nil {
			return err
		}
		if err := proto.Unmarshal(answer, response); err != nil {
			return err
		}
		if !right() {
			return errNothing
		}
		return nil
	}
}
