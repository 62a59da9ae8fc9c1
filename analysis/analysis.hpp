#pragma once

/// What the paper does to a trained network, as a library: neuronal assemblies in the space of
/// outgoing weights, what their neurons answer to, and what the network loses without them.
#include "analysis/ablation.hpp"
#include "analysis/agreement.hpp"
#include "analysis/bipartite.hpp"
#include "analysis/cluster_sweep.hpp"
#include "analysis/correlation.hpp"
#include "analysis/gaussian_process.hpp"
#include "analysis/kmeans.hpp"
#include "analysis/mutual_information.hpp"
#include "analysis/pca.hpp"
#include "analysis/selectivity.hpp"
#include "analysis/silhouette.hpp"
#include "analysis/sparsity.hpp"
#include "analysis/statistics.hpp"
#include "analysis/tsne.hpp"
