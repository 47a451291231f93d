package interceptors

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/orderprocessing/orderprocessing/gen/events/v1"
	_ "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	_ "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	_ "github.com/orderprocessing/orderprocessing/gen/operations/v1"
	_ "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	_ "github.com/orderprocessing/orderprocessing/gen/payments/v1"
)

// A validator that CEL tells of no messages finds the same in all of ours as one that it tells of all.
func TestValidator_findsTheSame(t *testing.T) {
	require.NoError(t, errValidator)
	usual, err := protovalidate.New()
	require.NoError(t, err)
	messages, wrong := 0, 0
	for message := range ownMessages() {
		for _, odd := range []oddity{{}, {text: "\x01 ", number: -1, count: 1}, {text: strings.Repeat("x", 3000), number: 1 << 30, count: 120}} {
			m := message.New()
			odd.fill(m, 3)
			want, got := violationsOf(t, usual, m), violationsOf(t, validator, m)
			require.Equal(t, want, got, "%s, %.10q", message.Descriptor().FullName(), odd.text)
			messages, wrong = messages+1, wrong+len(got)
		}
	}
	require.Greater(t, messages, 300)
	require.Greater(t, wrong, 300)
}

// What is registered is there again.
func TestValidator_leavesTheRegistry(t *testing.T) {
	_, err := protoregistry.GlobalFiles.FindDescriptorByName("orders.v1.OrderService")
	require.NoError(t, err)
}

// ownMessages gives the types of the contract's messages, and of others whose packages are versioned like ours.
func ownMessages() iter.Seq[protoreflect.MessageType] {
	return func(yield func(protoreflect.MessageType) bool) {
		protoregistry.GlobalTypes.RangeMessages(func(m protoreflect.MessageType) bool {
			return !strings.HasSuffix(string(m.Descriptor().ParentFile().Package()), ".v1") || m.Descriptor().IsMapEntry() || yield(m)
		})
	}
}

// oddity is what a message is filled with.
type oddity struct {
	text   string
	number int64
	count  int // of elements
}

func (o oddity) fill(m protoreflect.Message, depth int) {
	if depth == 0 || o.count == 0 {
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		switch {
		case field.IsMap():
		case field.IsList():
			list := m.Mutable(field).List()
			for range o.count {
				element := list.NewElement()
				if field.Message() != nil {
					oddity{o.text, o.number, min(o.count, 2)}.fill(element.Message(), depth-1)
				} else {
					element = o.value(field)
				}
				list.Append(element)
			}
		case field.Message() != nil:
			o.fill(m.Mutable(field).Message(), depth-1)
		default:
			m.Set(field, o.value(field))
		}
	}
}

func (o oddity) value(field protoreflect.FieldDescriptor) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(o.text)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(o.text))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(o.number)) //nolint:gosec // a small number
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(o.number)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(o.number)) //nolint:gosec // a small number
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	default:
		return field.Default()
	}
}

// violationsOf lists what breaks a rule; a rule that cannot be compiled or evaluated fails the test.
func violationsOf(t *testing.T, v protovalidate.Validator, m protoreflect.Message) (found []string) {
	t.Helper()
	err := v.Validate(m.Interface())
	if err == nil {
		return nil
	}
	var invalid *protovalidate.ValidationError
	require.True(t, errors.As(err, &invalid), "%s: %v", m.Descriptor().FullName(), err)
	for _, violation := range invalid.Violations {
		found = append(found, fmt.Sprint(violation.Proto))
	}
	return found
}
