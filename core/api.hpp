#pragma once

/// What a shared library shows of itself; all else is compiled with hidden symbols. It stands at
/// `namespace hebb` in public headers, for everything that they declare.
#define HEBB_API [[gnu::visibility("default")]]
