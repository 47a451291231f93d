package load

import (
	"context"
	"fmt"
	"math/rand/v2"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// procedure is what a call calls.
type procedure int

const (
	createOrder procedure = iota
	getOrder
	listOrders
	cancelOrder
	procedures
)

// String gives the name in the contract.
func (p procedure) String() string {
	return [...]string{"CreateOrder", "GetOrder", "ListOrders", "CancelOrder"}[p]
}

// listed is how many orders a list reads at most.
const listed = 20

// crowd decides what each call is. It is for one goroutine.
type crowd struct {
	*run
	random              *rand.Rand
	customers, products *rand.Zipf
	orders              int // created so far
}

func newCrowd(r *run, random *rand.Rand) *crowd {
	zipf := func(n int) *rand.Zipf { return rand.NewZipf(random, r.Skew, 1, uint64(n-1)) } //nolint:gosec // at least 1
	return &crowd{run: r, random: random, customers: zipf(r.Customers), products: zipf(r.Products)}
}

// next gives the next call, whenever it is due. While there is no order yet to read or to cancel, one
// is created instead.
func (c *crowd) next() call {
	switch n := c.random.IntN(c.Mix.sum()) - c.Mix.Create; {
	case n < 0:
	case n < c.Mix.Get:
		if o := c.ledger.any(c.random); o != nil {
			return call{procedure: getOrder, make: c.get(o)}
		}
	case n < c.Mix.Get+c.Mix.List:
		return call{procedure: listOrders, make: c.list(c.customer())}
	default:
		if o := c.ledger.nextToCancel(); o != nil {
			return call{procedure: cancelOrder, make: c.cancel(o)}
		}
	}
	return call{procedure: createOrder, make: c.create()}
}

func (c *crowd) customer() string { return fmt.Sprintf("cus_load_%d", c.customers.Uint64()) }

func (c *crowd) create() func(context.Context, *client.Client) error {
	number := c.orders
	c.orders++
	o := &ordersv1.Order{CustomerId: c.customer(), Number: c.ledger.number(number), CurrencyCode: currency}
	total, bought := int64(0), map[int]bool{}
	for range 1 + c.random.IntN(4) {
		product := int(c.products.Uint64()) //nolint:gosec // below the number of products
		for bought[product] {
			product = (product + 1) % c.Products
		}
		bought[product] = true
		line := &ordersv1.Line{Sku: sku(product), Quantity: 1 + c.random.Int64N(3), UnitPriceMinor: price(product)}
		o.Lines = append(o.Lines, line)
		total += line.GetQuantity() * line.GetUnitPriceMinor()
	}
	request := &ordersv1.CreateOrderRequest{RequestId: o.GetNumber(), Order: o, PaymentMethod: c.PaymentMethod}
	return func(ctx context.Context, server *client.Client) error {
		response, err := server.Orders.CreateOrder(ctx, request)
		if err != nil {
			return err
		}
		c.ledger.acknowledged(number, response.GetOrder().GetId(), total)
		return nil
	}
}

func (c *crowd) get(o *placed) func(context.Context, *client.Client) error {
	return func(ctx context.Context, server *client.Client) error {
		response, err := server.Orders.GetOrder(ctx, &ordersv1.GetOrderRequest{OrderId: o.id})
		if err == nil && response.GetOrder().GetTotalMinor() != o.total {
			return errWrong
		}
		return err
	}
}

func (c *crowd) list(customer string) func(context.Context, *client.Client) error {
	return func(ctx context.Context, server *client.Client) error {
		response, err := server.Orders.ListOrders(ctx, &ordersv1.ListOrdersRequest{
			PageSize: listed, Filter: &ordersv1.OrderFilter{CustomerId: customer},
		})
		for _, o := range response.GetOrders() {
			if o.GetCustomerId() != customer {
				return errWrong
			}
		}
		return err
	}
}

func (c *crowd) cancel(o *placed) func(context.Context, *client.Client) error {
	return func(ctx context.Context, server *client.Client) error {
		_, err := server.Orders.CancelOrder(ctx, &ordersv1.CancelOrderRequest{OrderId: o.id, RequestId: "cancel-" + o.id, Reason: "load"})
		if err == nil {
			c.ledger.canceled(o)
		}
		return err
	}
}
