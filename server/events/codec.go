// Package events turns what happened to an order into the messages of events.v1, which are stored
// with the order and shown to callers, and back. It leaves storing to the store.
package events

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventsv1 "github.com/orderprocessing/orderprocessing/gen/events/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// ToProto gives the event as callers see it.
func ToProto(e order.Event) *eventsv1.OrderEvent {
	m := changeToProto(e.Change)
	m.OrderId = e.OrderID.String()
	m.Sequence = e.Sequence
	m.Time = timestamppb.New(e.Time)
	return m
}

// Marshal gives the change as it is stored: a message of events.v1 with nothing but the change.
// The same change gives the same bytes. It fails on text that is not valid UTF-8.
func Marshal(c order.Change) ([]byte, error) {
	m := changeToProto(c)
	if m.Change == nil {
		return nil, fmt.Errorf("a change of kind %T has no form to store it in", c)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// Unmarshal reads a stored change. It fails on what this version of the program does not know.
func Unmarshal(data []byte) (order.Change, error) {
	var m eventsv1.OrderEvent
	if err := proto.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("read a stored event: %w", err)
	}
	return changeFromProto(&m)
}

func changeToProto(c order.Change) *eventsv1.OrderEvent {
	m := &eventsv1.OrderEvent{}
	switch c := c.(type) {
	case order.Drafted:
		m.Change = &eventsv1.OrderEvent_Drafted{Drafted: &eventsv1.OrderDrafted{Details: detailsToProto(c.Details)}}
	case order.Placed:
		m.Change = &eventsv1.OrderEvent_Placed{Placed: &eventsv1.OrderPlaced{
			Details: detailsToProto(c.Details), PaymentMethod: c.PaymentMethod,
		}}
	case order.Edited:
		m.Change = &eventsv1.OrderEvent_Edited{Edited: &eventsv1.OrderEdited{Details: detailsToProto(c.Details)}}
	case order.CancelRequested:
		m.Change = &eventsv1.OrderEvent_CancelRequested{CancelRequested: &eventsv1.OrderCancelRequested{Reason: c.Reason}}
	case order.Undone:
		m.Change = &eventsv1.OrderEvent_Canceled{Canceled: &eventsv1.OrderCanceled{Payment: eventsv1.PaymentSummary(c.Payment)}}
	case order.Imported:
		m.Change = &eventsv1.OrderEvent_Imported{Imported: &eventsv1.OrderImported{
			Details: detailsToProto(c.Details), Delivered: c.Delivered,
		}}
	case order.GoodsReturned:
		m.Change = &eventsv1.OrderEvent_Returned{Returned: returnedToProto(c)}
	default:
		progressToProto(m, c)
	}
	return m
}

func changeFromProto(m *eventsv1.OrderEvent) (order.Change, error) {
	switch c := m.GetChange().(type) {
	case *eventsv1.OrderEvent_Drafted:
		return order.Drafted{Details: detailsFromProto(c.Drafted.GetDetails())}, nil
	case *eventsv1.OrderEvent_Placed:
		return order.Placed{
			Details: detailsFromProto(c.Placed.GetDetails()), PaymentMethod: c.Placed.GetPaymentMethod(),
		}, nil
	case *eventsv1.OrderEvent_Edited:
		return order.Edited{Details: detailsFromProto(c.Edited.GetDetails())}, nil
	case *eventsv1.OrderEvent_CancelRequested:
		return order.CancelRequested{Reason: c.CancelRequested.GetReason()}, nil
	case *eventsv1.OrderEvent_Canceled:
		return order.Undone{Payment: paymentFromProto(c.Canceled)}, nil
	case *eventsv1.OrderEvent_Imported:
		return order.Imported{
			Details: detailsFromProto(c.Imported.GetDetails()), Delivered: c.Imported.GetDelivered(),
		}, nil
	case *eventsv1.OrderEvent_Returned:
		return returnedFromProto(c.Returned)
	default:
		return progressFromProto(m)
	}
}

func returnedToProto(c order.GoodsReturned) *eventsv1.OrderReturned {
	return &eventsv1.OrderReturned{ReturnId: c.ReturnID.String(), Lines: quantitiesToProto(c.Lines)}
}

func returnedFromProto(m *eventsv1.OrderReturned) (order.Change, error) {
	returnID, err := order.ParseReturnID(m.GetReturnId())
	return order.GoodsReturned{ReturnID: returnID, Lines: quantitiesFromProto(m.GetLines())}, err
}

func quantitiesToProto(lines []order.LineQuantity) []*eventsv1.LineQuantity {
	all := make([]*eventsv1.LineQuantity, len(lines))
	for i, l := range lines {
		all[i] = &eventsv1.LineQuantity{
			Position: int32(l.Position), //nolint:gosec // at most order.MaxLines
			Quantity: l.Quantity,
		}
	}
	return all
}

func quantitiesFromProto(lines []*eventsv1.LineQuantity) []order.LineQuantity {
	all := make([]order.LineQuantity, len(lines))
	for i, l := range lines {
		all[i] = order.LineQuantity{Position: int(l.GetPosition()), Quantity: l.GetQuantity()}
	}
	return all
}

func detailsToProto(d order.Details) *eventsv1.OrderDetails {
	m := &eventsv1.OrderDetails{
		CustomerId:    d.CustomerID,
		Source:        d.Source,
		Number:        d.Number,
		CurrencyCode:  string(d.Currency),
		Lines:         linesToProto(d.Lines),
		ShippingMinor: int64(d.Shipping),
		Note:          d.Note,
	}
	if a := d.ShipTo; a != (order.Address{}) {
		m.ShipTo = &eventsv1.PostalAddress{
			Name: a.Name, Street: a.Street, City: a.City, Region: a.Region, PostalCode: a.PostalCode, Country: a.Country,
		}
	}
	return m
}

func detailsFromProto(m *eventsv1.OrderDetails) order.Details {
	a := m.GetShipTo()
	return order.Details{
		CustomerID: m.GetCustomerId(),
		Source:     m.GetSource(),
		Number:     m.GetNumber(),
		Currency:   money.Currency(m.GetCurrencyCode()),
		Lines:      linesFromProto(m.GetLines()),
		Shipping:   money.Minor(m.GetShippingMinor()),
		ShipTo: order.Address{
			Name: a.GetName(), Street: a.GetStreet(), City: a.GetCity(),
			Region: a.GetRegion(), PostalCode: a.GetPostalCode(), Country: a.GetCountry(),
		},
		Note: m.GetNote(),
	}
}

func linesToProto(lines []order.Line) []*eventsv1.OrderLine {
	all := make([]*eventsv1.OrderLine, len(lines))
	for i, l := range lines {
		all[i] = &eventsv1.OrderLine{
			Sku:            l.SKU,
			Description:    l.Description,
			Service:        l.Service,
			Quantity:       l.Quantity,
			UnitPriceMinor: int64(l.UnitPrice),
			DiscountMinor:  int64(l.Discount),
		}
	}
	return all
}

func linesFromProto(lines []*eventsv1.OrderLine) []order.Line {
	all := make([]order.Line, len(lines))
	for i, l := range lines {
		all[i] = order.Line{
			SKU:         l.GetSku(),
			Description: l.GetDescription(),
			Service:     l.GetService(),
			Quantity:    l.GetQuantity(),
			UnitPrice:   money.Minor(l.GetUnitPriceMinor()),
			Discount:    money.Minor(l.GetDiscountMinor()),
		}
	}
	return all
}
