package orders

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// each converts a list, in order; the result is not nil.
func each[From, To any](items []From, convert func(From) To) []To {
	converted := make([]To, len(items))
	for i, item := range items {
		converted[i] = convert(item)
	}
	return converted
}

func orderToProto(o order.Order) *ordersv1.Order {
	subtotal, _ := o.Subtotal() // a stored order was checked
	m := &ordersv1.Order{
		Id:                o.ID.String(),
		CustomerId:        o.CustomerID,
		Source:            o.Source,
		Number:            o.Number,
		Lifecycle:         ordersv1.Lifecycle(o.Lifecycle),
		PaymentStatus:     ordersv1.PaymentStatus(o.Payment),
		FulfillmentStatus: ordersv1.FulfillmentStatus(o.Fulfillment),
		CurrencyCode:      string(o.Currency),
		Lines:             make([]*ordersv1.Line, len(o.Lines)),
		SubtotalMinor:     int64(subtotal),
		ShippingMinor:     int64(o.Shipping),
		TotalMinor:        int64(subtotal + o.Shipping),
		Note:              o.Note,
		CancelReason:      o.CancelReason,
		Etag:              o.Etag(),
		CreateTime:        timestamppb.New(o.Created),
		UpdateTime:        timestamppb.New(o.Updated),
		StatusReason:      o.StatusReason,
		ActionUrl:         o.ActionURL,
		ConfirmTime:       timeToProto(o.Confirmed),
		Shipments:         each(o.Shipments, shipmentToProto),
		Amendment:         amendmentToProto(o),
	}
	if a := o.ShipTo; a != (order.Address{}) {
		m.ShipTo = &ordersv1.Address{
			Name: a.Name, Street: a.Street, City: a.City, Region: a.Region, PostalCode: a.PostalCode, Country: a.Country,
		}
	}
	for i, l := range o.Lines {
		m.Lines[i] = lineToProto(i, l)
		m.Lines[i].ReturnedQuantity, m.Lines[i].ShippedQuantity = o.ReturnedOf(i), o.ShippedOf(i)
	}
	return m
}

func amendmentToProto(o order.Order) *ordersv1.Amendment {
	if o.Amendment == nil {
		return nil
	}
	total, _ := o.Amended().Total() // a stored amendment was checked
	m := &ordersv1.Amendment{
		Id: o.Amendment.ID.String(), Lines: make([]*ordersv1.Line, len(o.Amendment.Lines)), ShippingMinor: int64(o.Amendment.Shipping),
		TotalMinor: int64(total), RefusedReason: o.Amendment.Refused,
	}
	for i, l := range o.Amendment.Lines {
		m.Lines[i] = lineToProto(i, l)
	}
	return m
}

func lineToProto(index int, l order.Line) *ordersv1.Line {
	amount, _ := l.Amount() // a stored line was checked
	return &ordersv1.Line{
		Position:       int32(index + 1), //nolint:gosec // at most order.MaxLines
		Sku:            l.SKU,
		Description:    l.Description,
		Kind:           kindToProto(l.Service),
		Quantity:       l.Quantity,
		UnitPriceMinor: int64(l.UnitPrice),
		DiscountMinor:  int64(l.Discount),
		AmountMinor:    int64(amount),
	}
}

func kindToProto(service bool) ordersv1.LineKind {
	if service {
		return ordersv1.LineKind_LINE_KIND_SERVICE
	}
	return ordersv1.LineKind_LINE_KIND_GOODS
}

// detailsFromProto reads what a caller may say about an order; output-only fields are ignored.
func detailsFromProto(m *ordersv1.Order) order.Details {
	return order.Details{
		CustomerID: m.GetCustomerId(),
		Number:     m.GetNumber(),
		Currency:   money.Currency(m.GetCurrencyCode()),
		Lines:      each(m.GetLines(), lineFromProto),
		Shipping:   money.Minor(m.GetShippingMinor()),
		ShipTo:     addressFromProto(m.GetShipTo()),
		Note:       m.GetNote(),
	}
}

func lineFromProto(m *ordersv1.Line) order.Line {
	return order.Line{
		SKU:         m.GetSku(),
		Description: m.GetDescription(),
		Service:     m.GetKind() == ordersv1.LineKind_LINE_KIND_SERVICE,
		Quantity:    m.GetQuantity(),
		UnitPrice:   money.Minor(m.GetUnitPriceMinor()),
		Discount:    money.Minor(m.GetDiscountMinor()),
	}
}

func addressFromProto(m *ordersv1.Address) order.Address {
	return order.Address{
		Name: m.GetName(), Street: m.GetStreet(), City: m.GetCity(),
		Region: m.GetRegion(), PostalCode: m.GetPostalCode(), Country: m.GetCountry(),
	}
}

// timeFromProto reads a time; none is the zero time.
func timeFromProto(m *timestamppb.Timestamp) time.Time {
	if m == nil {
		return time.Time{}
	}
	return m.AsTime()
}

// timeToProto writes a time; the zero time is none.
func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func erasedToProto(e Erased) *ordersv1.EraseCustomerResponse {
	return &ordersv1.EraseCustomerResponse{
		Orders: int32(e.Orders), Payments: int32(e.Payments), Returns: int32(e.Returns), //nolint:gosec // of one customer
		Users: int32(e.Users), ApiKeys: int32(e.Keys), //nolint:gosec // as above
	}
}
