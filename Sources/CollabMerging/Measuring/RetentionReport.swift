public import Collab

/// What a merge has kept of its parents: how well each of them and the merge predict held-out text of every domain.
///
/// The figure is bits a byte, −log₂ of the probability of a text over its bytes, which can be compared between models of
/// different vocabularies. What a domain has lost is the merge's figure minus that of the parent which knows the domain
/// best; its interval comes from drawing passages again, the same ones for both models.
public struct RetentionReport: Hashable, Sendable, Codable {
    /// A domain and what each model makes of its passages.
    public struct Domain: Hashable, Sendable, Codable {
        /// The name.
        public var name: String
        /// The bytes of each passage.
        public var bytes: [Int]
        /// The bits of each passage, for each model: the parents, then the merge.
        public var bits: [[Double]]

        /// Makes a domain of figures that were measured.
        public init(name: String, bytes: [Int], bits: [[Double]]) {
            self.name = name
            self.bytes = bytes
            self.bits = bits
        }

        /// The bits a byte of a model over some passages, all of them if `nil`.
        public func bitsPerByte(of model: Int, passages: [Int]? = nil) -> Double {
            let places = passages ?? Array(bytes.indices)
            let total = places.reduce(0) { $0 + bytes[$1] }
            return total == 0 ? .nan : places.reduce(0) { $0 + bits[model][$1] } / Double(total)
        }
    }

    /// The parents' names.
    public var parents: [String]
    /// The merge's name.
    public var merge: String
    /// The domains.
    public var domains: [Domain]

    /// Makes a report of figures that were measured.
    public init(parents: [String], merge: String, domains: [Domain]) {
        self.parents = parents
        self.merge = merge
        self.domains = domains
    }

    /// The parent that predicts a domain best; of equal ones the first.
    public func bestParent(in domain: Domain) -> Int {
        var best = 0
        for parent in parents.indices where domain.bitsPerByte(of: parent) < domain.bitsPerByte(of: best) {
            best = parent
        }
        return best
    }

    /// What a domain has lost: bits a byte of the merge beyond the best parent's, negative where it has gained.
    public func loss(in domain: Domain, seed: UInt64 = 0) -> ConfidenceInterval {
        let best = bestParent(in: domain)
        return .bootstrap(count: domain.bytes.count, seed: seed) { places in
            domain.bitsPerByte(of: parents.count, passages: places)
                - domain.bitsPerByte(of: best, passages: places)
        }
    }

    /// The domains that have lost more than a share of what the best parent needs.
    ///
    /// - Parameter share: 0.02 lets a domain that takes 0.8 bits a byte rise to 0.816.
    public func failures(allowing share: Double) -> [Domain] {
        domains.filter { domain in
            let best = domain.bitsPerByte(of: bestParent(in: domain))
            return !(domain.bitsPerByte(of: parents.count) <= best * (1 + share))
        }
    }
}

extension RetentionReport: CustomStringConvertible {
    /// A table: a row a domain, a column a model, and what was lost.
    public var description: String {
        func row(_ cells: [String]) -> String {
            var line = ""
            for (index, cell) in cells.enumerated() {
                let width = index == 0 ? 16 : index < cells.count - 1 ? 14 : 0
                line += cell + String(repeating: " ", count: max(1, width - cell.count))
            }
            while line.last == " " { line.removeLast() }
            return line
        }
        var lines = ["bits a byte", row(["domain"] + parents + [merge, "lost (95 %)"])]
        for domain in domains {
            let figures = (0...parents.count).map { rounded(domain.bitsPerByte(of: $0)) }
            let loss = loss(in: domain)
            let interval = "\(rounded(loss.lower)) to \(rounded(loss.upper))"
            lines.append(row([domain.name] + figures + ["\(rounded(loss.estimate)) (\(interval))"]))
        }
        return lines.joined(separator: "\n")
    }
}

/// A figure with four decimal places.
func rounded(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    let scaled = (abs(value) * 10_000).rounded()
    let digits = String(Int(min(scaled, 9e15)))
    let padded = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    return (value < 0 && scaled > 0 ? "−" : "") + padded.dropLast(4) + "." + padded.suffix(4)
}
