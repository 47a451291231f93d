package report_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"

	"github.com/orderprocessing/orderprocessing/clients/importer"
	"github.com/orderprocessing/orderprocessing/clients/importer/importertest"
	"github.com/orderprocessing/orderprocessing/clients/report"
	"github.com/orderprocessing/orderprocessing/clients/report/reporttest"
)

const testdata = "../importer/testdata"

// importAndReport imports files into an empty server and gives the report of it.
func importAndReport(t *testing.T, paths ...string) (importer.Summary, report.Report) {
	t.Helper()
	docs, err := importer.Open(paths, importer.ReadOptions{})
	require.NoError(t, err)
	defer docs.Close()
	client := importertest.New().Client(t)
	rejects := filepath.Join(t.TempDir(), "rejects.csv")
	summary, err := importer.Run(t.Context(), client, docs, importer.Options{RejectsPath: rejects})
	require.NoError(t, err)
	made, err := report.Build(t.Context(), client)
	require.NoError(t, err)
	return summary, made
}

func TestBuild(t *testing.T) {
	expected := reporttest.Load(t, filepath.Join(testdata, "expected.json"))

	t.Run("the sample day gives the published figures, order by order", func(t *testing.T) {
		_, made := importAndReport(t, filepath.Join(testdata, "online-retail"))
		require.Len(t, made.Sections, 1)
		require.Empty(t, reporttest.DiffRetail(expected.SampleDay, made.Sections[0], false))
	})
	t.Run("northwind gives the published figures", func(t *testing.T) {
		_, made := importAndReport(t, filepath.Join(testdata, "northwind"))
		require.Len(t, made.Sections, 1)
		require.Empty(t, reporttest.DiffNorthwind(expected.Northwind, made.Sections[0]))
	})
	t.Run("sources do not mix", func(t *testing.T) {
		_, made := importAndReport(t, filepath.Join(testdata, "northwind"), filepath.Join(testdata, "online-retail"))
		require.Len(t, made.Sections, 2)
		require.Empty(t, reporttest.DiffNorthwind(expected.Northwind, made.Sections[0]))
		require.Empty(t, reporttest.DiffRetail(expected.SampleDay, made.Sections[1], false))
	})
	t.Run("an empty server gives no sections", func(t *testing.T) {
		made, err := report.Build(t.Context(), importertest.New().Client(t))
		require.NoError(t, err)
		require.Equal(t, report.Report{Sections: []report.Section{}}, made)
	})
}

// TestBuild_WholeData takes the whole nine months from the folder that ORDERPROCESSING_TEST_DATA
// names, which has expected.json, online-retail/ and northwind/.
func TestBuild_WholeData(t *testing.T) {
	folder := os.Getenv("ORDERPROCESSING_TEST_DATA")
	if folder == "" {
		t.Log("ORDERPROCESSING_TEST_DATA is not set: only the shipped sample day was tested, by TestBuild")
		return
	}
	expected := reporttest.Load(t, filepath.Join(folder, "expected.json"))
	months, err := filepath.Glob(filepath.Join(folder, "online-retail", "online-retail-*.csv.gz"))
	require.NoError(t, err)
	require.Len(t, months, 9)

	t.Run("nine months and northwind give the published figures, order by order", func(t *testing.T) {
		summary, made := importAndReport(t, append(months, filepath.Join(folder, "northwind"))...)
		require.Len(t, made.Sections, 2)
		require.Empty(t, reporttest.DiffNorthwind(expected.Northwind, made.Sections[0]))
		require.Empty(t, reporttest.DiffRetail(expected.OnlineRetail, made.Sections[1], false))
		require.Equal(t, map[string]int64{importer.ReasonStockAdjustment: 925, importer.ReasonLedgerAdjustment: 3},
			summary.Reasons)
		require.EqualValues(t, 320_705+830+2_155, summary.RowsRead)
		require.EqualValues(t, 928, summary.RowsRejected)
	})
}

func TestBuild_Matches(t *testing.T) {
	t.Run("a line is covered only when all of its units are", func(t *testing.T) {
		goods := ordersv1.LineKind_LINE_KIND_GOODS
		match := func(n int64) []*ordersv1.ReturnMatch { return []*ordersv1.ReturnMatch{{Quantity: n}} }
		server := &exporter{response: &ordersv1.ExportOrdersResponse{Returns: []*ordersv1.Return{
			{Number: "C1", CustomerId: "1", Lines: []*ordersv1.ReturnLine{
				{Kind: goods, Quantity: 5, Matches: append(match(2), match(3)...)},
				{Kind: ordersv1.LineKind_LINE_KIND_SERVICE, Quantity: 1},
			}},
			{Number: "C2", CustomerId: "1", Lines: []*ordersv1.ReturnLine{
				{Kind: goods, Quantity: 5, Matches: match(4)}, {Kind: goods, Quantity: 2}}},
			{Number: "C3", Lines: []*ordersv1.ReturnLine{{Kind: goods, Quantity: 7}}},
			{Number: "C4", Lines: []*ordersv1.ReturnLine{{Kind: ordersv1.LineKind_LINE_KIND_SERVICE, Quantity: 1}}},
		}}}
		made, err := report.Build(t.Context(), server.client(t))
		require.NoError(t, err)
		got := made.Sections[0].Cancellations
		got.FirstTime, got.LastTime = nil, nil
		require.Equal(t, report.Returns{Count: 4, Lines: 6, Units: -21, WithCustomer: 2, WithoutCustomer: 2,
			ServiceOnly: 1, ProductLines: 3, ProductLinesCovered: 1, ProductLinesPartial: 1, ProductLinesBlind: 2,
			ProductUnitsCovered: 5, ProductUnitsBlind: 7, EveryProductLine: 1}, got)
	})
}

func TestBuild_Refusals(t *testing.T) {
	t.Run("an export that breaks off gives no report", func(t *testing.T) {
		server := &exporter{response: &ordersv1.ExportOrdersResponse{},
			err: connect.NewError(connect.CodeUnavailable, errors.New("going down"))}
		_, err := report.Build(t.Context(), server.client(t))
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err))
	})
	t.Run("amounts beyond 64 bits give no report", func(t *testing.T) {
		order := &ordersv1.Order{Lines: []*ordersv1.Line{{UnitPriceMinor: 1, AmountMinor: math.MaxInt64 - 1}}}
		server := &exporter{response: &ordersv1.ExportOrdersResponse{Orders: []*ordersv1.Order{order, order}}}
		_, err := report.Build(t.Context(), server.client(t))
		require.ErrorContains(t, err, "64 bits")
	})
}
