import Foundation

/// The formulas of merge methods in double precision, in the plainest way, and independent of the package.
///
/// A tensor is the list of its elements; `x` are members, `b` is the base, `w` are weights.
enum PlainMerges {
    typealias Numbers = [Double]

    static func dot(_ a: Numbers, _ b: Numbers) -> Double {
        var sum = 0.0
        for place in a.indices { sum += a[place] * b[place] }
        return sum
    }

    static func length(_ a: Numbers) -> Double { dot(a, a).squareRoot() }

    /// Σ w x.
    static func sum(_ x: [Numbers], _ w: [Double]) -> Numbers {
        var sum = Numbers(repeating: 0, count: x[0].count)
        for (vector, weight) in zip(x, w) {
            for place in sum.indices { sum[place] += weight * vector[place] }
        }
        return sum
    }

    static func difference(_ a: Numbers, _ b: Numbers) -> Numbers { sum([a, b], [1, -1]) }

    static func linear(_ x: [Numbers], _ w: [Double], normalised: Bool = true) -> Numbers {
        let total = normalised ? w.reduce(0, +) : 1
        return sum(x, w.map { $0 / total })
    }

    static func taskArithmetic(
        _ b: Numbers,
        _ x: [Numbers],
        _ w: [Double],
        lambda: Double = 1,
        normalised: Bool = false
    ) -> Numbers {
        let change = linear(x.map { difference($0, b) }, w, normalised: normalised)
        return sum([b, change], [1, lambda])
    }

    /// - Parameter limit: above which cosine the way is straight; `nil` where only parallel vectors have one.
    static func slerp(_ a: Numbers, _ b: Numbers, _ t: Double, limit: Double? = 0.9995) -> Numbers {
        let lengths = max(length(a), 1e-7) * max(length(b), 1e-7)
        let cosine = min(1, max(-1, dot(a, b) / lengths))
        let isStraight = limit.map { abs(cosine) > $0 } ?? (1 - cosine * cosine <= 1e-16)
        if isStraight { return sum([a, b], [1 - t, t]) }
        let angle = acos(cosine)
        return sum([a, b], [sin((1 - t) * angle) / sin(angle), sin(t * angle) / sin(angle)])
    }

    /// Merges every row, or every column, as a vector of its own.
    static func byVector(
        _ x: [Numbers],
        _ shape: [Int],
        columns: Bool = false,
        _ merge: ([Numbers]) -> Numbers
    ) -> Numbers {
        guard shape.count == 2 else { return merge(x) }
        var result = x[0]
        for vector in 0..<(columns ? shape[1] : shape[0]) {
            let places = result.indices.filter { (columns ? $0 % shape[1] : $0 / shape[1]) == vector }
            let merged = merge(x.map { tensor in places.map { tensor[$0] } })
            for (place, value) in zip(places, merged) { result[place] = value }
        }
        return result
    }

    static func multislerp(
        _ x: [Numbers],
        _ w: [Double],
        base b: Numbers? = nil,
        normalised: Bool = true
    ) -> Numbers {
        let total = normalised ? w.reduce(0, +) : 1
        let w = w.map { $0 / total }
        let d = b.map { b in x.map { difference($0, b) } } ?? x
        let units = d.map { vector in vector.map { $0 / (length(vector) + 1e-8) } }
        var mean = sum(units, w)
        let size = length(mean)
        if size > 0 { mean = mean.map { $0 / size } }
        let tangents = units.map { sum([$0, mean], [1, -dot($0, mean)]) }
        let tangent = sum(tangents, w)
        let angle = length(tangent) + 1e-8
        let scale = zip(w, d).reduce(0) { $0 + $1.0 * length($1.1) }
        let change = sum([mean, tangent], [scale * cos(angle), scale * sin(angle) / angle])
        return b.map { sum([$0, change], [1, 1]) } ?? change
    }

    static func karcher(_ x: [Numbers], iterations: Int = 10, tolerance: Double = 1e-5) -> Numbers {
        let lengths = x.map { length($0) }
        let units = x.map { vector in vector.map { $0 / length(vector) } }
        let shares = units.map { _ in 1 / Double(units.count) }
        var mean = sum(units, shares)
        mean = mean.map { [size = length(mean)] in $0 / size }
        for _ in 0..<iterations {
            let tangents = units.map { unit in
                let cosine = min(1, max(-1, dot(unit, mean)))
                let angle = acos(cosine)
                let factor = angle < tolerance ? 0 : angle / sin(angle)
                return sum([unit, mean], [factor, -factor * cosine])
            }
            let tangent = sum(tangents, shares)
            let angle = length(tangent)
            if angle < tolerance { break }
            mean = sum([mean, tangent], [cos(angle), sin(angle) / angle])
            mean = mean.map { [size = length(mean)] in $0 / size }
        }
        let scale = linear(lengths.map { [$0] }, shares)[0]
        return mean.map { scale * $0 }
    }

    static func modelStock(_ b: Numbers, _ x: [Numbers]) -> Numbers {
        let d = x.map { difference($0, b) }
        var cosines: [Double] = []
        for first in d.indices {
            for second in d.indices where second > first {
                let lengths = max(1e-6, length(d[first]) * length(d[second]))
                cosines.append(min(1, max(-1, dot(d[first], d[second]) / lengths)))
            }
        }
        let (cosine, count) = (cosines.reduce(0, +) / Double(cosines.count), Double(x.count))
        let share = count * cosine / (1 + (count - 1) * cosine)
        return sum([b] + x, [1 - share] + x.map { _ in share / count })
    }

    static func nearSwap(_ b: Numbers, _ x: Numbers, _ t: Double) -> Numbers {
        zip(b, x).map { b, x in
            let share = min(1, max(0, t / max(abs(x - b), 1e-6)))
            return share * x + (1 - share) * b
        }
    }
}

extension PlainMerges {
    /// The places in the order of some keys, and of equal keys the lowest place first.
    static func order(_ keys: Numbers) -> [Int] {
        keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
    }

    /// Sets to 0 what is not at some places.
    static func keeping(_ places: some Sequence<Int>, of vector: Numbers) -> Numbers {
        var kept = Numbers(repeating: 0, count: vector.count)
        for place in places { kept[place] = vector[place] }
        return kept
    }

    static func trimmed(_ d: Numbers, _ density: Double) -> Numbers {
        if density >= 1 { return d }
        if density <= 0 { return d.map { _ in 0 } }
        return keeping(order(d.map { -abs($0) }).prefix(max(1, Int(density * Double(d.count)))), of: d)
    }

    /// Breadcrumbs: neither the smallest changes nor the largest ones.
    static func crumbs(_ d: Numbers, _ density: Double, _ gamma: Double) -> Numbers {
        let kept = Int(density * Double(d.count))
        let top = min(Int(gamma * Double(d.count)), d.count - kept)
        return keeping(order(d.map { -abs($0) }).dropFirst(top).prefix(kept), of: d)
    }

    /// What agrees with the sign of the weighted sum, 0 being positive, added up.
    static func elected(
        _ b: Numbers,
        _ d: [Numbers],
        _ w: [Double],
        lambda: Double = 1,
        normalised: Bool = true
    ) -> Numbers {
        b.indices.map { place in
            let votes = zip(w, d).map { $0 * $1[place] }
            let sign = votes.reduce(0, +) >= 0 ? 1.0 : -1.0
            var (sum, weight) = (0.0, 0.0)
            for (vote, own) in zip(votes, w) where vote * sign > 0 {
                sum += vote
                weight += own
            }
            return b[place] + lambda * (normalised && weight != 0 ? sum / weight : sum)
        }
    }

    static func ties(
        _ b: Numbers,
        _ x: [Numbers],
        _ w: [Double],
        density: [Double],
        lambda: Double = 1,
        normalised: Bool = true,
        rescaled: Bool = false
    ) -> Numbers {
        let d = zip(x, density).map { x, density in
            let whole = difference(x, b)
            let kept = trimmed(whole, density)
            let sizes = [whole, kept].map { $0.reduce(0) { $0 + abs($1) } }
            let scale = rescaled && sizes[0] > 1e-7 && sizes[1] > 1e-7 ? sizes[0] / sizes[1] : 1
            return kept.map { scale * $0 }
        }
        return elected(b, d, w, lambda: lambda, normalised: normalised)
    }

    static func breadcrumbs(
        _ b: Numbers,
        _ x: [Numbers],
        _ w: [Double],
        density: [Double],
        gamma: [Double],
        votes: Bool = false
    ) -> Numbers {
        let d = x.indices.map { crumbs(difference(x[$0], b), density[$0], gamma[$0]) }
        return votes ? elected(b, d, w, normalised: false) : sum([b] + d, [1] + w)
    }

    static func sce(_ b: Numbers, _ x: [Numbers], share: Double = 1) -> Numbers {
        var d = x.map { difference($0, b) }
        if share < 1 {
            // n² times the variance without a division, so that equal ones are equal.
            let variances = b.indices.map { place in
                let sum = d.reduce(0) { $0 + $1[place] }
                return Double(d.count) * d.reduce(0) { $0 + $1[place] * $1[place] } - sum * sum
            }
            let varying = b.indices.count { place in d.contains { $0[place] != d[0][place] } }
            let places = order(variances.map { -$0 }).prefix(Int(share * Double(varying)))
            d = d.map { keeping(places, of: $0) }
        }
        let squares = d.map { dot($0, $0) / Double(b.count) }
        let total = squares.reduce(0, +)
        let w = squares.map { total < 1e-6 ? 1 / Double(d.count) : $0 / total }
        return b.indices.map { place in
            let sign = d.reduce(0) { $0 + $1[place] } >= 0 ? 1.0 : -1.0
            var (sum, weight) = (0.0, 0.0)
            for (own, d) in zip(w, d) where d[place] * sign > 0 {
                sum += own * d[place]
                weight += own
            }
            return b[place] + sum / max(weight, 1e-6)
        }
    }

    /// RAM, and RAM+ where there is a gain.
    static func ram(
        _ b: Numbers,
        _ x: [Numbers],
        epsilon: Double = 1e-5,
        gain: Double = 0,
        limit: Double = 0
    ) -> Numbers {
        let d = x.map { difference($0, b) }
        let owners = b.indices.map { place in d.count { abs($0[place]) > epsilon } }
        var result = b
        for d in d {
            let active = d.indices.filter { abs(d[$0]) > epsilon }
            let alone = active.count { owners[$0] == 1 }
            let ratio = alone == 0 ? 0 : Double(active.count - alone) / Double(alone)
            let scale = 1 + gain * min(limit, max(0, ratio))
            for place in active {
                result[place] += owners[place] == 1 ? scale * d[place] : d[place] / Double(owners[place])
            }
        }
        return result
    }

    /// Of each element's changes the largest, and of equal ones the last; of those with the sign of their sum, if it is
    /// elected.
    static func largest(_ d: [Numbers], elected: Bool = false) -> Numbers {
        d[0].indices.map { place in
            let sum = d.reduce(0) { $0 + $1[place] }
            let changes = d.map { $0[place] }.filter { !elected || $0 * sum > 0 }
            return changes.reduce(0) { abs($1) >= abs($0) ? $1 : $0 }
        }
    }

    static func arceeFusion(_ b: Numbers, _ x: Numbers, rowLength: Int) -> Numbers {
        func shares(_ row: Numbers) -> Numbers {
            let powers = row.map { [largest = row.max() ?? 0] in exp($0 - largest) }
            return powers.map { [sum = powers.reduce(0, +)] in $0 / sum + 1e-8 }
        }
        var importance: Numbers = []
        for start in stride(from: 0, to: b.count, by: rowLength) {
            let (mine, base) = (Array(x[start..<start + rowLength]), Array(b[start..<start + rowLength]))
            let divergence = zip(shares(mine), shares(base)).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
            importance += zip(mine, base).map { abs($0 - $1) * divergence }
        }
        let sorted = importance.sorted()
        func quantile(_ share: Double) -> Double { sorted[Int(share * Double(sorted.count - 1))] }
        let threshold = quantile(0.5) + 1.5 * (quantile(0.75) - quantile(0.25))
        return b.indices.map { importance[$0] >= threshold ? x[$0] : b[$0] }
    }
}
