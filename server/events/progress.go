package events

import (
	"fmt"

	eventsv1 "github.com/orderprocessing/orderprocessing/gen/events/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// progressToProto writes what becomes of a placed order.
func progressToProto(m *eventsv1.OrderEvent, c order.Change) {
	switch c := c.(type) {
	case order.Accepted:
		m.Change = &eventsv1.OrderEvent_Confirmed{Confirmed: &eventsv1.OrderConfirmed{Payment: eventsv1.PaymentSummary(c.Payment)}}
	case order.ActionAsked:
		m.Change = &eventsv1.OrderEvent_ActionRequired{ActionRequired: &eventsv1.OrderActionRequired{Reason: c.Reason, Url: c.URL}}
	case order.PutOnHold:
		m.Change = &eventsv1.OrderEvent_Held{Held: &eventsv1.OrderHeld{Reason: c.Reason}}
	case order.Resumed:
		m.Change = &eventsv1.OrderEvent_Resumed{Resumed: &eventsv1.OrderResumed{}}
	case order.Refused:
		m.Change = &eventsv1.OrderEvent_Rejected{Rejected: &eventsv1.OrderRejected{
			Reason: c.Reason, Payment: eventsv1.PaymentSummary(c.Payment),
		}}
	case order.TimedOut:
		m.Change = &eventsv1.OrderEvent_Expired{Expired: &eventsv1.OrderExpired{Payment: eventsv1.PaymentSummary(c.Payment)}}
	case order.PaymentChanged:
		m.Change = &eventsv1.OrderEvent_PaymentChanged{PaymentChanged: &eventsv1.OrderPaymentChanged{
			Payment: eventsv1.PaymentSummary(c.Payment),
		}}
	case order.ShipmentCreated:
		m.Change = &eventsv1.OrderEvent_ShipmentCreated{ShipmentCreated: &eventsv1.ShipmentCreated{
			ShipmentId: c.ShipmentID.String(), Lines: quantitiesToProto(c.Lines),
		}}
	case order.ShipmentMoved:
		m.Change = &eventsv1.OrderEvent_ShipmentMoved{ShipmentMoved: &eventsv1.ShipmentMoved{
			ShipmentId: c.ShipmentID.String(), State: eventsv1.ShipmentState(c.State), Carrier: c.Carrier,
			TrackingNumber: c.Tracking, AmountMinor: int64(c.Amount), Final: c.Final,
		}}
	case order.AmendmentAsked:
		m.Change = &eventsv1.OrderEvent_AmendmentAsked{AmendmentAsked: &eventsv1.OrderAmendmentAsked{
			Lines: linesToProto(c.Lines), ShippingMinor: int64(c.Shipping),
		}}
	case order.AmendmentApplied:
		m.Change = &eventsv1.OrderEvent_Amended{Amended: &eventsv1.OrderAmended{}}
	case order.AmendmentEnded:
		m.Change = &eventsv1.OrderEvent_AmendmentEnded{AmendmentEnded: &eventsv1.OrderAmendmentEnded{Reason: c.Reason}}
	case order.Finished:
		m.Change = &eventsv1.OrderEvent_Completed{Completed: &eventsv1.OrderCompleted{}}
	case order.Erased:
		m.Change = &eventsv1.OrderEvent_Erased{Erased: &eventsv1.OrderErased{}}
	}
}

func progressFromProto(m *eventsv1.OrderEvent) (order.Change, error) {
	switch c := m.GetChange().(type) {
	case *eventsv1.OrderEvent_Confirmed:
		return order.Accepted{Payment: paymentFromProto(c.Confirmed)}, nil
	case *eventsv1.OrderEvent_ActionRequired:
		return order.ActionAsked{Reason: c.ActionRequired.GetReason(), URL: c.ActionRequired.GetUrl()}, nil
	case *eventsv1.OrderEvent_Held:
		return order.PutOnHold{Reason: c.Held.GetReason()}, nil
	case *eventsv1.OrderEvent_Resumed:
		return order.Resumed{}, nil
	case *eventsv1.OrderEvent_Rejected:
		return order.Refused{Reason: c.Rejected.GetReason(), Payment: paymentFromProto(c.Rejected)}, nil
	case *eventsv1.OrderEvent_Expired:
		return order.TimedOut{Payment: paymentFromProto(c.Expired)}, nil
	case *eventsv1.OrderEvent_PaymentChanged:
		return order.PaymentChanged{Payment: paymentFromProto(c.PaymentChanged)}, nil
	case *eventsv1.OrderEvent_ShipmentCreated:
		shipmentID, err := order.ParseShipmentID(c.ShipmentCreated.GetShipmentId())
		return order.ShipmentCreated{ShipmentID: shipmentID, Lines: quantitiesFromProto(c.ShipmentCreated.GetLines())}, err
	case *eventsv1.OrderEvent_ShipmentMoved:
		shipmentID, err := order.ParseShipmentID(c.ShipmentMoved.GetShipmentId())
		return order.ShipmentMoved{
			ShipmentID: shipmentID, State: order.ShipmentState(c.ShipmentMoved.GetState()), //nolint:gosec // we wrote it
			Carrier: c.ShipmentMoved.GetCarrier(), Tracking: c.ShipmentMoved.GetTrackingNumber(),
			Amount: money.Minor(c.ShipmentMoved.GetAmountMinor()), Final: c.ShipmentMoved.GetFinal(),
		}, err
	case *eventsv1.OrderEvent_AmendmentAsked:
		return order.AmendmentAsked{
			Lines: linesFromProto(c.AmendmentAsked.GetLines()), Shipping: money.Minor(c.AmendmentAsked.GetShippingMinor()),
		}, nil
	case *eventsv1.OrderEvent_Amended:
		return order.AmendmentApplied{}, nil
	case *eventsv1.OrderEvent_AmendmentEnded:
		return order.AmendmentEnded{Reason: c.AmendmentEnded.GetReason()}, nil
	case *eventsv1.OrderEvent_Completed:
		return order.Finished{}, nil
	case *eventsv1.OrderEvent_Erased:
		return order.Erased{}, nil
	default:
		return nil, fmt.Errorf("a stored event is of a kind this version does not know (%T)", c)
	}
}

// paymentFromProto reads what an event tells of the money.
func paymentFromProto(m interface {
	GetPayment() eventsv1.PaymentSummary
}) order.PaymentStatus {
	return order.PaymentStatus(m.GetPayment()) //nolint:gosec // we wrote it
}
