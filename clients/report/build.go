package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
)

var errOverflow = errors.New("the amounts add up to more than 64 bits of minor units")

// Build reads the whole export once and sums it up. It keeps one short line of text a document,
// for the digests, and one entry for each SKU, customer, country and month. Errors are those of the
// call; it is safe to call again.
func Build(ctx context.Context, client ordersv1connect.OrderServiceClient) (Report, error) {
	stream, err := client.ExportOrders(ctx, &ordersv1.ExportOrdersRequest{})
	if err != nil {
		return Report{}, fmt.Errorf("reading the export: %w", err)
	}
	defer stream.Close()
	b := builder{sections: map[sectionKey]*section{}}
	for stream.Receive() {
		for _, order := range stream.Msg().Orders {
			b.section(order.Source, order.CurrencyCode).addOrder(order)
		}
		for _, back := range stream.Msg().Returns {
			b.section(back.Source, back.CurrencyCode).addReturn(back)
		}
	}
	if err := stream.Err(); err != nil {
		return Report{}, fmt.Errorf("reading the export: %w", err)
	}
	return b.report()
}

type sectionKey struct{ source, currency string }

type builder struct {
	sections map[sectionKey]*section
}

func (b *builder) section(source, currency string) *section {
	key := sectionKey{source, currency}
	if b.sections[key] == nil {
		b.sections[key] = newSection(source, currency)
	}
	return b.sections[key]
}

func (b *builder) report() (Report, error) {
	keys := slices.SortedFunc(maps.Keys(b.sections), func(x, y sectionKey) int {
		return cmp.Or(cmp.Compare(x.source, y.source), cmp.Compare(x.currency, y.currency))
	})
	made := Report{Sections: make([]Section, len(keys))}
	for i, key := range keys {
		made.Sections[i] = b.sections[key].finish()
		if b.sections[key].overflow {
			return Report{}, errOverflow
		}
	}
	return made, nil
}
