package orders

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

func createFromProto(m *ordersv1.CreateOrderRequest) (Create, error) {
	details := detailsFromProto(m.GetOrder())
	request, err := contract.Request("customer "+details.CustomerID, m)
	return Create{
		Details:       details,
		Draft:         m.GetDraft(),
		PaymentMethod: m.GetPaymentMethod(),
		Expected:      minorFromProto(m.ExpectedTotalMinor),
		Request:       request,
	}, err
}

// minorFromProto reads an amount that may be left out.
func minorFromProto(minor *int64) *money.Minor { return (*money.Minor)(minor) }

func targetFromProto(m contract.Change, orderID, etag string) (t Target, err error) {
	t.Etag = etag
	if t.OrderID, err = order.ParseID(orderID); err != nil {
		return t, err
	}
	t.Request, err = contract.Request(orderID, m)
	return t, err
}

func orderQueryFromProto(m *ordersv1.ListOrdersRequest) (store.OrderQuery, error) {
	f := m.GetFilter()
	from, before, err := timesFromProto(f)
	return store.OrderQuery{
		CustomerID:  f.GetCustomerId(),
		Lifecycle:   order.Lifecycle(f.GetLifecycle()),                 //nolint:gosec // a defined value
		Payment:     order.PaymentStatus(f.GetPaymentStatus()),         //nolint:gosec // a defined value
		Fulfillment: order.FulfillmentStatus(f.GetFulfillmentStatus()), //nolint:gosec // a defined value
		From:        from,
		Before:      before,
		Number:      f.GetNumber(),
		Ascending:   m.GetOrderBy() == ordersv1.OrderBy_ORDER_BY_CREATE_TIME_ASC,
	}, err
}

// timesFromProto reads the range of creation times of a filter.
func timesFromProto(m interface {
	GetCreateTimeFrom() *timestamppb.Timestamp
	GetCreateTimeBefore() *timestamppb.Timestamp
}) (from, before time.Time, err error) {
	for field, bound := range map[string]*timestamppb.Timestamp{
		"create_time_from": m.GetCreateTimeFrom(), "create_time_before": m.GetCreateTimeBefore(),
	} {
		if bound != nil && !bound.IsValid() {
			return from, before, fault.Invalid(fault.ReasonInvalidRequest, field, "a time lies in the years 1 to 9999")
		}
	}
	return timeFromProto(m.GetCreateTimeFrom()), timeFromProto(m.GetCreateTimeBefore()), nil
}

func editFromProto(m *ordersv1.UpdateOrderRequest) (e order.Edit, err error) {
	if len(m.GetUpdateMask().GetPaths()) == 0 {
		return e, fault.Invalid(fault.ReasonInvalidRequest, "update_mask", "name the fields to edit")
	}
	wanted := detailsFromProto(m.GetOrder())
	for _, path := range m.GetUpdateMask().GetPaths() {
		switch path {
		case "lines":
			e.Lines = &wanted.Lines
		case "shipping_minor":
			e.Shipping = &wanted.Shipping
		case "ship_to":
			e.ShipTo = &wanted.ShipTo
		case "note":
			e.Note = &wanted.Note
		default:
			return e, fault.Invalid(fault.ReasonFieldNotEditable, "update_mask",
				"%q cannot be edited; lines, shipping_minor, ship_to and note can", path)
		}
	}
	return e, nil
}
