package cached //nolint:testpackage // what copies look like is nobody's business outside

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// TestCodec fills every field there is, so that one that is new cannot be forgotten here.
func TestCodec(t *testing.T) {
	var o order.Order
	n := 0
	fill(t, reflect.ValueOf(&o).Elem(), &n)
	o.Returned = []int64{7}
	o.Shipments[0].ID = order.ShipmentID{UUID: o.ID.WithPart(1)}
	o.Amendment.ID = order.AmendmentID{UUID: o.ID.WithPart(5)}

	copied, ok := decode(encode(o))
	require.True(t, ok)
	require.Equal(t, o, copied)

	page, ok := decodePage(encodePage([]order.Order{o, {Details: order.Details{Lines: []order.Line{}}}}))
	require.True(t, ok)
	require.Equal(t, []order.Order{o, {Details: order.Details{Lines: []order.Line{}}}}, page)

	_, ok = decode(append([]byte{schema + 1}, encode(o)[1:]...))
	require.False(t, ok, "a value of another schema is read")
}

// fill gives every field a value of its own.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch at := v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.UnixMicro(int64(1_700_000_000_000_000 + *n)).UTC()))
		return
	case id.UUID:
		at[0], at[15] = 1, 1
		v.Set(reflect.ValueOf(at))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), n)
	case reflect.String:
		v.SetString(string(rune('a' + *n%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int8, reflect.Int16, reflect.Int32:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n)) //nolint:gosec // small
	default:
		t.Fatalf("a field of kind %s", v.Kind())
	}
}
