package orders

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// documentFromProto reads a document; what is wrong with it becomes its error.
func documentFromProto(m *ordersv1.ImportDocument) (d Document) {
	switch document := m.GetDocument().(type) {
	case *ordersv1.ImportDocument_Order:
		details := detailsFromProto(document.Order.GetOrder())
		d.Order, d.Delivered = &details, document.Order.GetDelivered()
		d.Created, d.Err = originalTime(document.Order.GetOrder().GetCreateTime())
	case *ordersv1.ImportDocument_Return:
		r := returnFromProto(document.Return)
		d.Return = &r
		d.Created, d.Err = originalTime(document.Return.GetCreateTime())
	default:
		d.Err = fault.Invalid(fault.ReasonDocumentIncomplete, "document", "a document is an order or a return")
	}
	return d
}

func originalTime(m *timestamppb.Timestamp) (time.Time, error) {
	if m == nil || !m.IsValid() {
		return time.Time{}, fault.Invalid(fault.ReasonDocumentIncomplete, "create_time", "an imported document needs its date")
	}
	return m.AsTime(), nil
}

func returnFromProto(m *ordersv1.Return) order.Return {
	r := order.Return{
		CustomerID: m.GetCustomerId(),
		Number:     m.GetNumber(),
		Currency:   money.Currency(m.GetCurrencyCode()),
		Lines:      make([]order.ReturnLine, len(m.GetLines())),
	}
	for i, l := range m.GetLines() {
		r.Lines[i].Line = order.Line{
			SKU:         l.GetSku(),
			Description: l.GetDescription(),
			Service:     l.GetKind() == ordersv1.LineKind_LINE_KIND_SERVICE,
			Quantity:    l.GetQuantity(),
			UnitPrice:   money.Minor(l.GetUnitPriceMinor()),
			Discount:    money.Minor(l.GetDiscountMinor()),
		}
	}
	return r
}

func outcomeToProto(r Imported) *ordersv1.ImportOutcome {
	m := &ordersv1.ImportOutcome{Id: r.ID}
	switch {
	case r.Err != nil:
		m.Result = ordersv1.ImportResult_IMPORT_RESULT_REJECTED
		m.Reason = string(fault.ReasonOf(r.Err))
		m.Message = r.Err.Error()
	case r.Created:
		m.Result = ordersv1.ImportResult_IMPORT_RESULT_CREATED
	default:
		m.Result = ordersv1.ImportResult_IMPORT_RESULT_UNCHANGED
	}
	return m
}
