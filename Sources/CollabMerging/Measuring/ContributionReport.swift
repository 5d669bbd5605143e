public import Collab

/// What each part of a merge contributes: how many bits a byte every domain needs more when the part is put back to what
/// the base has, everything else staying as merged.
///
/// A part that helps a domain has a positive figure there, one that harms it a negative one; a merge is the better for
/// losing a part whose figures are negative everywhere. Figures of parts do not add up to the gain of the whole, since
/// parts work together.
public struct ContributionReport: Hashable, Sendable, Codable {
    /// What counts as a part. Tensors outside of layers are parts by themselves with every grain.
    public enum Grain: String, Hashable, Sendable, Codable, CaseIterable {
        /// A layer.
        case layer
        /// A layer's attention, its feed-forward block, or its norms.
        case block
        /// A tensor of a layer.
        case module

        /// The part that a tensor belongs to.
        func part(of tensor: String) -> TensorModule {
            let place = TensorModule(tensor: tensor)
            guard place.layer != nil else { return place }
            switch self {
            case .layer: return TensorModule(layer: place.layer, name: "layer")
            case .block: return TensorModule(layer: place.layer, name: Self.block(of: place.name))
            case .module: return place
            }
        }

        private static func block(of module: String) -> String {
            if module.contains("norm") { return "norms" }
            if module.contains("attn") || module.contains("attention") { return "attention" }
            if module.contains("mlp") || module.contains("ffn") { return "feed-forward" }
            return "other"
        }
    }

    /// A part, and what was measured without it.
    public struct Part: Hashable, Sendable, Codable {
        /// Its layer, if it has one, and what it is called.
        public var place: TensorModule
        /// The bits of each passage, for each domain, with the part as the base has it.
        public var bits: [[Double]]

        /// Makes a part of figures that were measured.
        public init(place: TensorModule, bits: [[Double]]) {
            self.place = place
            self.bits = bits
        }
    }

    /// The base's name.
    public var base: String
    /// The merge's name.
    public var merge: String
    /// The domains, with the bits of each passage for the base and for the merge.
    public var domains: [RetentionReport.Domain]
    /// The parts in which the merge differs from the base, in the order of the tensors.
    public var parts: [Part]

    /// Makes a report of figures that were measured.
    public init(base: String, merge: String, domains: [RetentionReport.Domain], parts: [Part]) {
        self.base = base
        self.merge = merge
        self.domains = domains
        self.parts = parts
    }

    /// What a part contributes to a domain, in bits a byte; the interval comes from drawing passages again.
    public func contribution(of part: Part, to domain: Int, seed: UInt64 = 0) -> ConfidenceInterval {
        let measured = domains[domain]
        let without = RetentionReport.Domain(
            name: measured.name,
            bytes: measured.bytes,
            bits: [part.bits[domain]]
        )
        return .bootstrap(count: measured.bytes.count, seed: seed) { places in
            without.bitsPerByte(of: 0, passages: places) - measured.bitsPerByte(of: 1, passages: places)
        }
    }

    /// An SVG drawing of what the parts contribute to a domain, with a row a module, block or layer and a column a layer:
    /// red where a part helps, blue where it harms.
    public func heatMap(of domain: Int) -> String {
        var figures: [TensorModule: Double] = [:]
        var names: [String] = []
        for part in parts {
            figures[part.place] = contribution(of: part, to: domain).estimate
            if !names.contains(part.place.name) { names.append(part.place.name) }
        }
        let layers = Set(parts.compactMap(\.place.layer)).sorted()
        let largest = figures.values.lazy.filter(\.isFinite).map(abs).max() ?? 0
        let drawing = HeatMapDrawing(
            title: "\(merge): what its parts contribute to \(domains[domain].name)",
            subtitle: "bits a byte more without the part",
            rows: names,
            columns: [nil] + layers,
            scale: ("−" + rounded(largest), rounded(largest), true)
        )
        return drawing.svg { name, layer in
            guard let value = figures[TensorModule(layer: layer, name: name)] else { return nil }
            let place = name + (layer.map { ", layer \($0)" } ?? "")
            return (largest > 0 ? value / largest : 0, "\(place): \(rounded(value))")
        }
    }
}

extension ContributionReport: CustomStringConvertible {
    /// A table: a row a part, a column a domain, in bits a byte with a 95 % interval.
    public var description: String {
        var rows = [["part"] + domains.map(\.name)]
        rows.append(["(base)"] + domains.map { rounded($0.bitsPerByte(of: 0)) })
        rows.append(["(merge)"] + domains.map { rounded($0.bitsPerByte(of: 1)) })
        for part in parts {
            let name = (part.place.layer.map { "\($0) " } ?? "") + part.place.name
            rows.append(
                [name]
                    + domains.indices.map { domain in
                        let value = contribution(of: part, to: domain)
                        return
                            "\(rounded(value.estimate)) (\(rounded(value.lower)) to \(rounded(value.upper)))"
                    }
            )
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = ["bits a byte that a domain needs more without a part"]
        for row in rows {
            var line = ""
            for (cell, width) in zip(row, widths) {
                line += cell + String(repeating: " ", count: width - cell.count + 2)
            }
            while line.last == " " { line.removeLast() }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }
}
