package inventory

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

func productFromProto(m *inventoryv1.Product) stock.Product {
	return stock.Product{
		SKU:            m.GetSku(),
		Name:           m.GetName(),
		UnitPrice:      money.Minor(m.GetUnitPriceMinor()),
		Currency:       money.Currency(m.GetCurrencyCode()),
		Discontinued:   m.GetDiscontinued(),
		BackorderLimit: m.GetBackorderLimit(),
	}
}

func productToProto(p stock.Product) *inventoryv1.Product {
	return &inventoryv1.Product{
		Sku:            p.SKU,
		Name:           p.Name,
		UnitPriceMinor: int64(p.UnitPrice),
		CurrencyCode:   string(p.Currency),
		Discontinued:   p.Discontinued,
		BackorderLimit: p.BackorderLimit,
		Etag:           p.Etag(),
		CreateTime:     timestamppb.New(p.Created),
		UpdateTime:     timestamppb.New(p.Updated),
	}
}

func levelToProto(l stock.Level) *inventoryv1.StockLevel {
	m := &inventoryv1.StockLevel{
		Sku: l.SKU, OnHand: l.OnHand, Held: l.Held, Available: l.Available(), BackorderLimit: l.BackorderLimit,
	}
	if !l.Updated.IsZero() {
		m.UpdateTime = timestamppb.New(l.Updated)
	}
	return m
}

func reasonFromProto(reason inventoryv1.AdjustmentReason) stock.AdjustmentReason {
	return stock.AdjustmentReason(reason) //nolint:gosec // a defined value
}
