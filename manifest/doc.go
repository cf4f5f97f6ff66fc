// Package manifest reads the files that people write: slipway.yaml, of one app,
// and platform.yaml, of the platform team. [Load] and [LoadPlatform] read them
// strictly, with every complaint at its place; [Manifest.Resolve] says what holds
// for one environment and where each value came from.
//
// The package is pure: bytes in, values out. Finding the files is the caller's
// work; [PlatformPlaces] gives the order.
package manifest
