#pragma once

namespace hebb::bench {

/// What this process holds of the machine's memory now, in MiB.
double resident_mib();
/// The most that it has held so far.
double peak_resident_mib();

}  // namespace hebb::bench
