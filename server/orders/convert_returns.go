package orders

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

func returnToProto(r order.Return) *ordersv1.Return {
	total, _ := r.Total() // a stored return was checked
	m := &ordersv1.Return{
		Id:           r.ID.String(),
		CustomerId:   r.CustomerID,
		Source:       r.Source,
		Number:       r.Number,
		Status:       ordersv1.ReturnStatus(r.Status),
		CurrencyCode: string(r.Currency),
		Lines:        make([]*ordersv1.ReturnLine, len(r.Lines)),
		TotalMinor:   int64(total),
		CreateTime:   timestamppb.New(r.Created),
		Reason:       r.Reason,
		RefundMinor:  int64(r.Refund),
		Restock:      each(r.Restock, quantityToProto),
		UpdateTime:   timeToProto(r.Updated),
	}
	if !r.OrderID.IsZero() {
		m.OrderId = r.OrderID.String()
	}
	for i, l := range r.Lines {
		amount, _ := l.Amount()
		m.Lines[i] = &ordersv1.ReturnLine{
			Position:       int32(i + 1), //nolint:gosec // at most order.MaxLines
			Sku:            l.SKU,
			Description:    l.Description,
			Kind:           kindToProto(l.Service),
			Quantity:       l.Quantity,
			UnitPriceMinor: int64(l.UnitPrice),
			DiscountMinor:  int64(l.Discount),
			AmountMinor:    int64(amount),
			Matches:        each(l.Matches, matchToProto),
		}
	}
	return m
}

func matchToProto(m order.Match) *ordersv1.ReturnMatch {
	return &ordersv1.ReturnMatch{
		OrderId:  m.OrderID.String(),
		Position: int32(m.Position), //nolint:gosec // at most order.MaxLines
		Quantity: m.Quantity,
	}
}

func newReturnFromProto(m *ordersv1.RequestReturnRequest) (n NewReturn, err error) {
	n.Lines, n.Reason = each(m.GetLines(), quantityFromProto), m.GetReason()
	if n.OrderID, err = order.ParseID(m.GetOrderId()); err != nil {
		return n, err
	}
	n.Request, err = contract.Request(m.GetOrderId(), m)
	return n, err
}

// returnTargetFromProto names a return that is to change.
func returnTargetFromProto(m interface {
	contract.Change
	GetReturnId() string
}) (t ReturnTarget, err error) {
	if t.ReturnID, err = order.ParseReturnID(m.GetReturnId()); err != nil {
		return t, err
	}
	t.Request, err = contract.Request(m.GetReturnId(), m)
	return t, err
}
