#pragma once

/// Internal: files of this folder that are part of the executable.
namespace hebb::apps {

extern const char* const embedded_tuned_json;  ///< tuning/tuned.json
extern const char* const embedded_paper_csv;   ///< report/paper_table1.csv

}  // namespace hebb::apps
