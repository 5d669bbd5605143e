/// A set of Unicode scalars, kept as ranges.
///
/// Surrogates are no scalars and never belong to a set.
public struct ScalarSet: Hashable, Sendable {
    /// The ranges, in ascending order, none touching another.
    let ranges: [ClosedRange<UInt32>]

    /// The scalars of some ranges, which may overlap.
    init(_ ranges: [ClosedRange<UInt32>]) {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.flatMap(Self.withoutSurrogates).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            // Ranges on either side of the surrogates stay apart.
            if let last = merged.last,
                range.lowerBound <= last.upperBound || last.upperBound + 1 == range.lowerBound
            {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged
    }

    /// The scalars between two, both included.
    public init(_ range: ClosedRange<Unicode.Scalar>) {
        self.init([range.lowerBound.value...range.upperBound.value])
    }

    /// The scalars of a text.
    public init(_ text: String) {
        self.init(text.unicodeScalars.map { $0.value...$0.value })
    }

    private static func withoutSurrogates(_ range: ClosedRange<UInt32>) -> [ClosedRange<UInt32>] {
        var parts: [ClosedRange<UInt32>] = []
        if range.lowerBound < 0xD800 { parts.append(range.lowerBound...min(range.upperBound, 0xD7FF)) }
        if range.upperBound > 0xDFFF { parts.append(max(range.lowerBound, 0xE000)...range.upperBound) }
        return parts
    }

    /// All scalars.
    public static let all = ScalarSet([0...0x10FFFF])
    /// `0` to `9`.
    public static let digits = ScalarSet("0"..."9")

    /// Whether there is none.
    public var isEmpty: Bool { ranges.isEmpty }

    /// The set's scalars as ranges in ascending order.
    public var scalarRanges: [ClosedRange<Unicode.Scalar>] {
        ranges.compactMap { range in
            guard let low = Unicode.Scalar(range.lowerBound), let high = Unicode.Scalar(range.upperBound)
            else {
                return nil
            }
            return low...high
        }
    }

    /// Whether a scalar belongs to the set.
    public func contains(_ scalar: Unicode.Scalar) -> Bool {
        ranges.contains { $0.contains(scalar.value) }
    }

    /// The scalars of either set.
    public func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

    /// The scalars that do not belong to the set.
    public var complement: ScalarSet {
        var (gaps, next): ([ClosedRange<UInt32>], UInt32) = ([], 0)
        for range in ranges {
            if range.lowerBound > next { gaps.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { gaps.append(next...0x10FFFF) }
        return ScalarSet(gaps)
    }

    /// The scalars of this set that do not belong to the other.
    public func subtracting(_ other: ScalarSet) -> ScalarSet {
        complement.union(other).complement
    }
}

extension ScalarSet {
    /// The set's scalars in UTF-8: each entry a range for every byte, so that every combination is a scalar of the set.
    ///
    /// A range of scalars is cut where the number of bytes changes, and then where a leading byte's followers would not
    /// all be in it (Unicode 3.9, table 3-6).
    var encodings: [[ClosedRange<UInt8>]] {
        var result: [[ClosedRange<UInt8>]] = []
        for range in ranges {
            for limits in [0...0x7F, 0x80...0x7FF, 0x800...0xFFFF, 0x10000...0x10FFFF]
                as [ClosedRange<UInt32>]
            where range.overlaps(limits) {
                let part = range.clamped(to: limits)
                Self.split(part.lowerBound, part.upperBound, into: &result)
            }
        }
        return result
    }

    /// Cuts scalars of equal length so that the followers of each leading byte are all there are.
    private static func split(_ low: UInt32, _ high: UInt32, into result: inout [[ClosedRange<UInt8>]]) {
        for followers in 1...3 where high > 0x7F {
            let mask: UInt32 = (1 << (6 * UInt32(followers))) - 1
            guard low & ~mask != high & ~mask else { continue }
            if low & mask != 0 {
                split(low, low | mask, into: &result)
                split((low | mask) + 1, high, into: &result)
                return
            }
            if high & mask != mask {
                split(low, (high & ~mask) - 1, into: &result)
                split(high & ~mask, high, into: &result)
                return
            }
        }
        result.append(zip(utf8(low), utf8(high)).map { $0...$1 })
    }

    private static func utf8(_ value: UInt32) -> [UInt8] {
        Unicode.Scalar(value).map { Array(String(Character($0)).utf8) } ?? []
    }
}
