internal import CollabKernels

/// How much several task vectors d₁ … dₙ stand in one another's way, over some of their elements.
///
/// All figures are made of sums over elements, so those of two tensors add up to those of both.
public struct InterferenceFigures: Hashable, Sendable, Codable {
    /// How many task vectors there are.
    public let memberCount: Int
    /// How many elements each has.
    public private(set) var elementCount = 0
    /// In how many elements at least two task vectors are not 0.
    public private(set) var sharedCount = 0
    /// In how many of those, two task vectors have opposite signs.
    public private(set) var conflictCount = 0
    /// Σ of |dᵢ| over all elements and members.
    public private(set) var mass = 0.0
    /// Σ of |Σᵢ dᵢ| over all elements.
    public private(set) var survivingMass = 0.0
    /// Σ of the base's squares.
    public private(set) var baseSquares = 0.0
    /// The inner products of the task vectors, row by row.
    public private(set) var products: [Double]

    /// The figures of no elements.
    public init(memberCount: Int) {
        self.memberCount = memberCount
        products = [Double](repeating: 0, count: memberCount * memberCount)
    }

    /// The share of the elements that at least two members changed in which they pull in opposite directions, 0…1.
    public var signConflict: Double { sharedCount == 0 ? 0 : Double(conflictCount) / Double(sharedCount) }

    /// The share of the change that is lost when the task vectors are added up, 1 − Σ|Σᵢ dᵢ| ∕ ΣΣ|dᵢ|: 0 if they
    /// never disagree, 1 if they cancel out.
    public var cancellation: Double { mass == 0 ? 0 : max(0, 1 - survivingMass / mass) }

    /// The Euclidean length of a task vector.
    public func norm(of member: Int) -> Double {
        max(0, products[member * memberCount + member]).squareRoot()
    }

    /// The length of a task vector beside the base's: how far a member has gone.
    public func relativeNorm(of member: Int) -> Double {
        baseSquares == 0 ? 0 : norm(of: member) / baseSquares.squareRoot()
    }

    /// The cosine of the angle between two task vectors; 0 if one of them is 0.
    public func cosine(_ first: Int, _ second: Int) -> Double {
        let lengths = norm(of: first) * norm(of: second)
        return lengths == 0 ? 0 : min(1, max(-1, products[first * memberCount + second] / lengths))
    }

    /// The mean cosine over all pairs; 0 for fewer than two members.
    public var meanCosine: Double {
        var (sum, count) = (0.0, 0)
        for first in 0..<memberCount {
            for second in (first + 1)..<max(memberCount, first + 1) {
                sum += cosine(first, second)
                count += 1
            }
        }
        return count == 0 ? 0 : sum / Double(count)
    }

    /// What is expected to disturb a member in the plain sum of all: the length of the other members' sum beside its
    /// own, ‖Σⱼ≠ᵢ dⱼ‖ ∕ ‖dᵢ‖.
    ///
    /// Where the member is at a minimum of its loss, the loss grows with the square of this (to second order, for a
    /// curvature that is the same in all directions). 0 for a member that equals its base.
    public func predictedInterference(on member: Int) -> Double {
        var squares = 0.0
        for first in 0..<memberCount where first != member {
            for second in 0..<memberCount where second != member {
                squares += products[first * memberCount + second]
            }
        }
        let length = norm(of: member)
        return length == 0 ? 0 : max(0, squares).squareRoot() / length
    }

    /// Adds the figures of other elements of the same members.
    public mutating func add(_ other: InterferenceFigures) {
        precondition(memberCount == other.memberCount, "figures of other members cannot be added")
        elementCount += other.elementCount
        sharedCount += other.sharedCount
        conflictCount += other.conflictCount
        mass += other.mass
        survivingMass += other.survivingMass
        baseSquares += other.baseSquares
        for index in products.indices { products[index] += other.products[index] }
    }

    /// Adds elements.
    mutating func add(deltas: [UnsafeBufferPointer<Float>], base: UnsafeBufferPointer<Float>) {
        elementCount += base.count
        baseSquares += MergeArithmetic.products(base, base).aa
        for first in deltas.indices {
            for second in first..<deltas.count {
                let product = MergeArithmetic.products(deltas[first], deltas[second]).ab
                products[first * memberCount + second] += product
                if second != first { products[second * memberCount + first] += product }
            }
            mass += MergeArithmetic.l1(deltas[first])
        }
        for place in base.indices {
            var (positive, negative, sum) = (0, 0, 0.0)
            for delta in deltas {
                let value = delta[place]
                positive += value > 0 ? 1 : 0
                negative += value < 0 ? 1 : 0
                sum += Double(value)
            }
            sharedCount += positive + negative > 1 ? 1 : 0
            conflictCount += positive > 0 && negative > 0 ? 1 : 0
            survivingMass += abs(sum)
        }
    }
}
