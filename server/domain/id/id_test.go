package id_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestUUID(t *testing.T) {
	t.Run("carries time, slot and part", func(t *testing.T) {
		u := id.New(noon, 4095)
		require.Equal(t, noon, u.Time())
		require.Equal(t, id.Slot(4095), u.Slot())
		require.Equal(t, 0, u.Part())
		require.Equal(t, 700, u.WithPart(700).Part())
		require.Equal(t, u, u.WithPart(700).WithPart(0))
	})
	t.Run("is the same text as the TypeID standard writes", func(t *testing.T) {
		// The example of the TypeID specification: 01890a5d-ac96-774b-bcce-b302099a8057.
		u := id.UUID{0x01, 0x89, 0x0a, 0x5d, 0xac, 0x96, 0x77, 0x4b, 0xbc, 0xce, 0xb3, 0x02, 0x09, 0x9a, 0x80, 0x57}
		require.Equal(t, "prefix_01h455vb4pex5vsknk084sn02q", u.Format("prefix"))
		back, err := id.Parse("prefix", "prefix_01h455vb4pex5vsknk084sn02q")
		require.NoError(t, err)
		require.Equal(t, u, back)
	})
	t.Run("sorts by time, as bytes and as text", func(t *testing.T) {
		earlier, later := id.New(noon, 4000), id.New(noon.Add(time.Millisecond), 3)
		require.Negative(t, earlier.Compare(later))
		require.Less(t, earlier.Format("ord"), later.Format("ord"))
		require.Positive(t, later.Compare(id.First(later.Time())))
		require.Negative(t, earlier.Compare(id.First(later.Time())))
	})
	t.Run("derived ids are the same for the same seed only", func(t *testing.T) {
		require.Equal(t, id.Derived(noon, 7, "a"), id.Derived(noon, 7, "a"))
		require.NotEqual(t, id.Derived(noon, 7, "a"), id.Derived(noon, 7, "b"))
	})
	t.Run("what is no id is refused with its reason", func(t *testing.T) {
		for _, text := range []string{
			"", "ord_", "ord", "pay_01h455vb4pex5vsknk084sn02q", "ord_01h455vb4pex5vsknk084sn02",
			"ord_81h455vb4pex5vsknk084sn02q", "ord_01H455VB4PEX5VSKNK084SN02Q", "ord_01h455vb4pex5vsknk084sn02u",
			"ord_00000000000000000000000000", "ord_01h455vb4pex5vsknk084sn02\x00", "ord_7zzzzzzzzzzzzzzzzzzzzzzzzz",
		} {
			_, err := id.Parse("ord", text)
			require.Equal(t, fault.ReasonInvalidID, fault.ReasonOf(err), text)
		}
	})
}

func TestSlotOf(t *testing.T) {
	t.Run("never changes", func(t *testing.T) {
		require.Equal(t, id.Slot(0xe3b), id.SlotOf("")) // SHA-256 of nothing starts e3b0c442
		require.Equal(t, id.Slot(0xba7), id.SlotOf("abc"))
	})
	t.Run("spreads keys evenly", func(t *testing.T) {
		quarters := [4]float64{}
		for i := range 100_000 {
			quarters[id.SlotOf(fmt.Sprint("cus_", i))/(id.Slots/4)]++
		}
		for _, n := range quarters {
			require.LessOrEqual(t, math.Abs(n-25_000), 1_000.0)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("ord_01h455vb4pex5vsknk084sn02q")
	f.Add("ord_7zzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Add("ord_\n")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := id.Parse("ord", text)
		if err != nil {
			require.Equal(t, fault.ReasonInvalidID, fault.ReasonOf(err))
			return
		}
		require.Equal(t, text, u.Format("ord"))
		require.Less(t, u.Slot(), id.Slot(id.Slots))
	})
}

func BenchmarkFormat(b *testing.B) {
	u := id.New(noon, 7)
	b.ReportAllocs()
	for b.Loop() {
		_ = u.Format("ord")
	}
}
