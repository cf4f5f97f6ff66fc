package glue

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The SDK drops members that it does not know, so that a read and a write with it
// would reset what a newer Glue has. These two go around its types: one keeps an
// answer as it came, the other sends a request as it is given.

// keepAnswer puts the answer's body into body.
func keepAnswer(body *[]byte) func(*glue.Options) {
	read := func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, meta, err := next.HandleDeserialize(ctx, in)
		response, ok := out.RawResponse.(*smithyhttp.Response)
		if err != nil || !ok {
			return out, meta, err
		}
		data, err := io.ReadAll(response.Body)
		if err != nil {
			return out, meta, fmt.Errorf("read the answer: %w", err)
		}
		if err := response.Body.Close(); err != nil {
			return out, meta, fmt.Errorf("read the answer: %w", err)
		}
		*body = data
		response.Body = io.NopCloser(bytes.NewReader(data))
		return out, meta, nil
	}
	return func(o *glue.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("keepAnswer", read), middleware.After)
		})
	}
}

// sendInstead sends v in place of what the SDK made of its input.
func sendInstead(v any) func(*glue.Options) {
	write := func(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
		request, ok := in.Request.(*smithyhttp.Request)
		if !ok {
			return middleware.SerializeOutput{}, middleware.Metadata{}, fmt.Errorf("unexpected request %T", in.Request)
		}
		data, err := json.Marshal(v)
		if err != nil {
			return middleware.SerializeOutput{}, middleware.Metadata{}, err
		}
		if in.Request, err = request.SetStream(bytes.NewReader(data)); err != nil {
			return middleware.SerializeOutput{}, middleware.Metadata{}, err
		}
		return next.HandleSerialize(ctx, in)
	}
	return func(o *glue.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Serialize.Add(middleware.SerializeMiddlewareFunc("sendInstead", write), middleware.After)
		})
	}
}
