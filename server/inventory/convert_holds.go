package inventory

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

func demandsFromProto(demands []*inventoryv1.Demand) []stock.Demand {
	all := make([]stock.Demand, len(demands))
	for i, d := range demands {
		all[i] = stock.Demand{SKU: d.GetSku(), Quantity: d.GetQuantity()}
	}
	return all
}

// expiryFromProto gives the zero time for a hold that stays.
func expiryFromProto(t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if err := t.CheckValid(); err != nil {
		return time.Time{}, fault.Invalid(fault.ReasonInvalidRequest, "expire_time", "not a time from year 1 to 9999").Because(err)
	}
	return t.AsTime(), nil
}

func holdsToProto(holds []stock.Hold) []*inventoryv1.Hold {
	all := make([]*inventoryv1.Hold, len(holds))
	for i, h := range holds {
		all[i] = &inventoryv1.Hold{
			OrderId:           h.OrderID.String(),
			Sku:               h.SKU,
			Quantity:          h.Quantity,
			CommittedQuantity: h.Committed,
			State:             inventoryv1.HoldState(h.State),
		}
		if !h.Expires.IsZero() {
			all[i].ExpireTime = timestamppb.New(h.Expires)
		}
	}
	return all
}
