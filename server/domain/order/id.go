package order

import (
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// ID names an order, `ord_…`.
type ID struct{ id.UUID }

// String writes the id as callers know it.
func (i ID) String() string { return i.Format("ord") }

// ParseID reads an id as callers know it, or fails with INVALID_ID.
func ParseID(text string) (ID, error) {
	u, err := id.Parse("ord", text)
	if err == nil && u.Part() != 0 {
		err = fault.New(fault.KindInvalid, fault.ReasonInvalidID, "this id names a part of an order, not an order")
	}
	return ID{u}, err
}

// NewID makes the id of an order that is created now. A customer's orders share the customer's
// slot. An order of a guest takes the slot of requestKey, so that repeating the request meets the
// same shard.
func NewID(now time.Time, customerID, requestKey string) ID {
	if customerID == "" {
		return ID{id.New(now, id.SlotOf(requestKey))}
	}
	return ID{id.New(now, id.SlotOf(customerID))}
}

// ImportedID gives the id that a document of another system has here, for ever: importing it
// again meets itself.
func ImportedID(created time.Time, customerID, source, number string) ID {
	return ID{imported("order", created, customerID, source, number)}
}

// ReturnID names a return, `ret_…`.
type ReturnID struct{ id.UUID }

// String writes the id as callers know it.
func (i ReturnID) String() string { return i.Format("ret") }

// ParseReturnID reads an id as callers know it, or fails with INVALID_ID.
func ParseReturnID(text string) (ReturnID, error) {
	u, err := id.Parse("ret", text)
	if err == nil && u.Part() != 0 {
		err = fault.New(fault.KindInvalid, fault.ReasonInvalidID, "this id names a part of a return, not a return")
	}
	return ReturnID{u}, err
}

// NewReturnID makes the id of a return that is asked for now. It shares the order's slot.
func NewReturnID(now time.Time, orderID ID) ReturnID {
	return ReturnID{id.New(now, orderID.Slot()).WithPart(0)}
}

// ShipmentID names a parcel, `shp_…`: its order's id with the number of the parcel as its part.
type ShipmentID struct{ id.UUID }

// String writes the id as callers know it.
func (i ShipmentID) String() string { return i.Format("shp") }

// OrderID gives the order that the parcel belongs to.
func (i ShipmentID) OrderID() ID { return ID{i.WithPart(0)} }

// ParseShipmentID reads an id as callers know it, or fails with INVALID_ID.
func ParseShipmentID(text string) (ShipmentID, error) {
	u, err := id.Parse("shp", text)
	if err == nil && u.Part() == 0 {
		err = fault.New(fault.KindInvalid, fault.ReasonInvalidID, "this id names no parcel")
	}
	return ShipmentID{u}, err
}

// ImportedReturnID is ImportedID for a return.
func ImportedReturnID(created time.Time, customerID, source, number string) ReturnID {
	return ReturnID{imported("return", created, customerID, source, number)}
}

func imported(kind string, created time.Time, customerID, source, number string) id.UUID {
	document := kind + "\x00" + source + "\x00" + number
	owner := customerID
	if owner == "" {
		owner = document
	}
	return id.Derived(created, id.SlotOf(owner), document)
}
