import Collab
import CollabKernels

/// Minimises a smooth function by L-BFGS (D. Liu, J. Nocedal, *On the Limited Memory BFGS Method for Large Scale
/// Optimization*, 1989).
struct LimitedMemoryMinimizer {
    /// The most steps.
    var steps = 200
    /// How many steps are remembered.
    var memory = 10
    /// Multiplies a slope by a guess of the inverse curvature; without one the slope is only scaled.
    var conditioner: (([Float]) -> [Float])?

    /// How far off a value may be, as a share of it.
    private static let noise = 1e-8

    private struct Pair {
        let step: [Float]
        let change: [Float]
        let product: Double
    }

    /// Goes down until the slope is a hundred-thousandth of what it was, or nothing more is gained.
    ///
    /// A step that does not go down far enough (Armijo's rule) is shortened to where the parabola through what is known
    /// of the function has its minimum, but never by more than a tenth. Near the minimum a sum of many terms in single
    /// precision rises and falls by chance: there a step counts that flattens the slope (W. Hager, H. Zhang, *A New
    /// Conjugate Gradient Method with Guaranteed Descent and an Efficient Line Search*, 2005), and the search ends where
    /// less than that chance is to be gained.
    func minimize(
        from start: [Float],
        _ function: ([Float]) -> (value: Double, slope: [Float])
    ) throws(CollabError) -> [Float] {
        var point = start
        var (value, slope) = function(point)
        let goal = 1e-10 * max(dot(slope, slope), 1e-30)
        var pairs: [Pair] = []
        for _ in 0..<steps where dot(slope, slope) > goal {
            try checkCancellation()
            var direction = descent(slope, pairs)
            var fall = dot(direction, slope)
            if fall >= 0 {
                pairs = []
                direction = descent(slope, pairs)
                fall = dot(direction, slope)
            }
            guard fall < 0 else { break }
            var length = pairs.isEmpty && conditioner == nil ? min(1, 1 / (-fall).squareRoot()) : 1.0
            var found: (point: [Float], value: Double, slope: [Float])?
            let chance = Self.noise * max(abs(value), 1)
            for _ in 0..<30 {
                var next = point
                add(Float(length), direction, to: &next)
                let (lower, there) = function(next)
                if lower <= value + 1e-4 * length * fall
                    || (lower <= value + chance && dot(there, there) < dot(slope, slope))
                {
                    found = (next, lower, there)
                    break
                }
                if -length * fall < chance { break }
                let bend = lower - value - length * fall
                let best = bend > 0 ? -fall * length * length / (2 * bend) : length / 2
                length = min(max(best, length / 10), length / 2)
            }
            guard let found else { break }
            var step = found.point, change = found.slope
            add(-1, point, to: &step)
            add(-1, slope, to: &change)
            let product = dot(step, change)
            if product > 1e-12 * dot(change, change) {
                pairs.append(Pair(step: step, change: change, product: product))
                if pairs.count > memory { pairs.removeFirst() }
            }
            (point, value, slope) = found
        }
        return point
    }

    /// The two-loop recursion, around the conditioner.
    private func descent(_ slope: [Float], _ pairs: [Pair]) -> [Float] {
        var direction = slope
        var shares: [Double] = []
        for pair in pairs.reversed() {
            let share = dot(pair.step, direction) / pair.product
            shares.append(share)
            add(Float(-share), pair.change, to: &direction)
        }
        if let conditioner {
            direction = conditioner(direction)
        } else if let last = pairs.last {
            let scale = Float(last.product / dot(last.change, last.change))
            for place in direction.indices { direction[place] *= scale }
        }
        for (pair, share) in zip(pairs, shares.reversed()) {
            add(Float(share - dot(pair.change, direction) / pair.product), pair.step, to: &direction)
        }
        for place in direction.indices { direction[place] = -direction[place] }
        return direction
    }

    private func add(_ factor: Float, _ vector: [Float], to sum: inout [Float]) {
        VectorKernels.add(factor, times: vector, count: vector.count, to: &sum)
    }

    /// In parts, whose sums are added in double precision.
    private func dot(_ a: [Float], _ b: [Float]) -> Double {
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                guard let first = a.baseAddress, let second = b.baseAddress else { return 0 }
                return stride(from: 0, to: a.count, by: 512).reduce(0.0) { sum, start in
                    let part = VectorKernels.dot(
                        first + start,
                        second + start,
                        count: min(512, a.count - start)
                    )
                    return sum + Double(part)
                }
            }
        }
    }
}
