package orders

import (
	"context"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// EraseCustomer takes out what is personal in everything that is kept of a customer.
func (h *Handler) EraseCustomer(ctx context.Context, req *ordersv1.EraseCustomerRequest) (*ordersv1.EraseCustomerResponse, error) {
	erased, err := h.orders.Erase(ctx, req.GetCustomerId())
	if err != nil {
		return nil, err
	}
	return erasedToProto(erased), nil
}
