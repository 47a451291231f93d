package peers

import (
	"context"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// Orders are those of another process.
type Orders struct {
	peer   *Peer
	client ordersv1.OrderServiceClient
}

// NewOrders makes Orders over a connection to orders.
func NewOrders(p *Peer) *Orders {
	return &Orders{peer: p, client: ordersv1.NewOrderServiceClient(p.conn)}
}

// PaymentMoved lets an order know that something may have happened to its money.
func (o *Orders) PaymentMoved(ctx context.Context, orderID order.ID) error {
	_, err := ask(ctx, o.peer, o.client.NotePayment, &ordersv1.NotePaymentRequest{OrderId: orderID.String()})
	return err
}
