package importer

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

func TestReader_Northwind(t *testing.T) {
	t.Run("orders come with their lines, names and address", func(t *testing.T) {
		r, err := Open([]string{"testdata/northwind"}, ReadOptions{})
		require.NoError(t, err)
		docs, err := readAll(t, r)
		require.NoError(t, err)
		require.Len(t, docs, 830)
		want := &Document{
			Source: SourceNorthwind, Kind: KindOrder, Number: "10250", CustomerID: "HANAR", CurrencyCode: "USD",
			CreateTime: time.Date(1996, 7, 8, 0, 0, 0, 0, time.UTC), Delivered: true,
			ShipTo: &ordersv1.Address{Name: "Hanari Carnes", Street: "Rua do Paço, 67", City: "Rio de Janeiro",
				Region: "RJ", PostalCode: "05454-876", Country: "Brazil"},
			Freight: Decimal{6583, 2},
			Lines: []Line{
				{SKU: "41", Description: "Jack's New England Clam Chowder", Quantity: 10, UnitPrice: Decimal{77, 1}},
				{SKU: "51", Description: "Manjimup Dried Apples", Quantity: 35, UnitPrice: Decimal{424, 1}, Discount: Decimal{15, 2}},
				{SKU: "65", Description: "Louisiana Fiery Hot Pepper Sauce", Quantity: 15, UnitPrice: Decimal{168, 1}, Discount: Decimal{15, 2}},
			},
		}
		require.Empty(t, cmp.Diff(want, docs[2], cmp.AllowUnexported(Decimal{}), protocmp.Transform(),
			cmpopts.IgnoreFields(Document{}, "Rows")))
		require.Len(t, docs[2].Rows, 4)
		open := 0
		for _, doc := range docs {
			require.Nil(t, doc.Problem)
			if !doc.Delivered {
				open++
			}
		}
		require.Equal(t, 21, open)
	})
	t.Run("details without their order, and orders without details, are not lost", func(t *testing.T) {
		docs, err := readNorthwind(t, orderHeader+order("10")+order("20")+order("30"),
			detailHeader+"5,1,2,1,0\n10,1,2,1,0\n15,1,2,1,0\n15,2,2,1,0\n30,1,0,1,0\n40,1,2,1,0\n")
		require.NoError(t, err)
		require.Equal(t, [][2]string{{"5", ReasonOrderUnknown}, {"10", ""}, {"15", ReasonOrderUnknown}, {"20", ""},
			{"30", ""}, {"40", ReasonOrderUnknown}}, reasons(docs))
		require.Len(t, docs[2].Rows, 2)
		require.Empty(t, docs[3].Lines)
		require.Equal(t, KindNoChargeOnly, docs[4].Kind)
	})
	for _, test := range []struct{ name, orders, details, reason string }{
		{"a freight that is no number", "10,VINET,5,1996-07-04,,,3,x,,,,,,\n", "10,1,2,1,0\n", ReasonInvalidPrice},
		{"a freight below zero", "10,VINET,5,1996-07-04,,,3,-1,,,,,,\n", "10,1,2,1,0\n", ReasonInvalidPrice},
		{"a day that is none", "10,VINET,5,4.7.1996,,,3,1,,,,,,\n", "10,1,2,1,0\n", ReasonInvalidTime},
		{"a shipping day that is none", "10,VINET,5,1996-07-04,,soon,3,1,,,,,,\n", "10,1,2,1,0\n", ReasonInvalidTime},
		{"a discount above one", order("10"), "10,1,2,1,1.01\n", ReasonInvalidDiscount},
		{"a quantity of zero", order("10"), "10,1,2,1,0\n10,1,2,0,0\n", ReasonInvalidQuantity},
	} {
		t.Run(test.name+" refuses its order and no other", func(t *testing.T) {
			docs, err := readNorthwind(t, orderHeader+test.orders+order("11"), detailHeader+test.details+"11,1,2,1,0\n")
			require.NoError(t, err)
			require.Equal(t, [][2]string{{"10", test.reason}, {"11", ""}}, reasons(docs))
		})
	}
	t.Run("an id that is none refuses its row", func(t *testing.T) {
		docs, err := readNorthwind(t, orderHeader+order("x")+order("11"), detailHeader+"y,1,2,1,0\nz,1,2,1,0\n11,1,2,1,0\n")
		require.NoError(t, err)
		require.ElementsMatch(t, [][2]string{{"x", ReasonInvalidNumber}, {"y", ReasonInvalidNumber},
			{"z", ReasonInvalidNumber}, {"11", ""}}, reasons(docs))
	})
}

func TestReader_NorthwindDamage(t *testing.T) {
	details := detailHeader + "10,1,2,1,0\n11,1,2,1,0\n12,1,2,1,0\n"
	for _, test := range []struct {
		name, orders, details, place string
		want                         [][2]string
	}{
		{"orders out of order", orderHeader + order("10") + order("12") + order("11"), details, "orders.csv:4:1: OrderID 11 comes after 12",
			[][2]string{{"10", ""}, {"11", ReasonOrderUnknown}, {"12", ""}, {"11", ReasonIncomplete}}},
		{"an order twice", orderHeader + order("10") + order("10"), details, "orders.csv:3:1: OrderID 10 comes after 10",
			[][2]string{{"10", ""}, {"10", ReasonIncomplete}, {"11", ReasonIncomplete}}},
		{"details out of order", orderHeader + order("10") + order("11"), detailHeader + "10,1,2,1,0\n11,1,2,1,0\n10,1,2,1,0\n",
			"order_details.csv:4:1: OrderID 10 comes after 11", [][2]string{{"10", ""}, {"11", ReasonIncomplete}, {"10", ReasonIncomplete}}},
		{"details that break off", orderHeader + order("10") + order("11"), detailHeader + "10,1,2,1,0\n11,1,2,1,0\n11,1,",
			"order_details.csv:4:6: the row has 3 columns", [][2]string{{"10", ""}, {"11", ReasonIncomplete}}},
		{"orders that break off", orderHeader + order("10") + order("11") + "12,", details,
			"orders.csv:4:4: the row has 2 columns", [][2]string{{"10", ""}, {"11", ""}, {"12", ReasonIncomplete}}},
	} {
		t.Run(test.name+" end the import with the place", func(t *testing.T) {
			docs, err := readNorthwind(t, test.orders, test.details)
			_, ok := errors.AsType[*FileError](err)
			require.True(t, ok, "%v", err)
			require.ErrorContains(t, err, test.place)
			require.Equal(t, test.want, reasons(docs))
		})
	}
}
