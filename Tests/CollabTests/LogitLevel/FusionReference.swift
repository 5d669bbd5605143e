@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The definitions of fusion in double precision, as plainly as they can be written.
enum FusionReference {
    static func logSoftmax(_ values: [Double]) -> [Double] {
        let top = values.max() ?? 0
        let normalizer = top + log(values.reduce(0) { $0 + exp($1 - top) })
        return values.map { $0 - normalizer }
    }

    static func logLinear(_ members: [[Double]], _ weights: [Double]) -> [Double] {
        let logs = members.map(logSoftmax)
        return logSoftmax(
            logs[0].indices.map { v in
                logs.contains { $0[v] == -.infinity }
                    ? -.infinity : zip(logs, weights).reduce(0) { $0 + $1.0[v] * $1.1 }
            }
        )
    }

    static func linear(_ members: [[Double]], _ weights: [Double]) -> [Double] {
        let logs = members.map(logSoftmax)
        let sum = weights.reduce(0, +)
        return logs[0].indices.map { v in log(zip(logs, weights).reduce(0) { $0 + $1.1 / sum * exp($1.0[v]) })
        }
    }

    /// Keeps what a mask lets through and renormalises.
    static func masked(_ fused: [Double], _ keep: (Int) -> Bool) -> [Double] {
        logSoftmax(fused.indices.map { keep($0) ? fused[$0] : -.infinity })
    }

    static func divergence(_ fused: [Double], _ member: [Double]) -> Double {
        zip(fused, logSoftmax(member)).reduce(0) { $0 + ($1.0 > -.infinity ? exp($1.0) * ($1.0 - $1.1) : 0) }
    }
}

extension FusionPlan {
    /// Fuses rows of doubles and normalises the result.
    func logprobs(_ rows: [[Double]]) throws -> [Double] {
        let step = try fuse(
            rows.map { Logits($0.map { Float($0) }) },
            names: rows.indices.map { "member \($0)" }
        )
        return FusionReference.logSoftmax(step.logits.values.map { Double($0) })
    }
}

/// The largest difference; both −∞ counts as equal.
func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).map { $0 == $1 ? 0 : abs($0 - $1) }.max() ?? 0
}
