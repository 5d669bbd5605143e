/// How much the members of a merge stand in one another's way, measured on their weights before anything is merged.
///
/// ```swift
/// let report = try await InterferenceReport(of: [math, code], base: base)
/// print(report)                       // a table by module, and what is predicted
/// try report.heatMap().write(…)       // an SVG of layers and modules
/// ```
///
/// A report is `Codable`. It needs the weights alone: whether a merge did harm is told by its loss on held-out text
/// of each member's domain, which is another measurement.
public struct InterferenceReport: Hashable, Sendable, Codable {
    /// A tensor and its figures.
    public struct Tensor: Hashable, Sendable, Codable {
        /// The name.
        public var name: String
        /// The figures.
        public var figures: InterferenceFigures
        /// How much the leading directions of the task vectors overlap; `nil` unless it was asked for, and for vectors.
        public var subspaces: SubspaceOverlap?
        /// Where it stands.
        public var module: TensorModule { TensorModule(tensor: name) }
    }

    /// What the task vectors are measured from.
    public var base: String
    /// The members.
    public var members: [String]
    /// The tensors, in the base's order.
    public var tensors: [Tensor]

    /// Makes a report of figures that were measured before.
    public init(base: String, members: [String], tensors: [Tensor]) {
        self.base = base
        self.members = members
        self.tensors = tensors
    }

    /// The figures of all tensors together.
    public var total: InterferenceFigures { sum(of: tensors) }

    /// The figures of each module over all layers, in the order in which the modules come first.
    public var modules: [(name: String, figures: InterferenceFigures)] {
        grouped(by: { $0.module.name }).map { ($0.key, sum(of: $0.tensors)) }
    }

    /// The figures of each layer, in order; tensors outside of layers are left out.
    public var layers: [(layer: Int, figures: InterferenceFigures)] {
        grouped(by: { $0.module.layer })
            .compactMap { group in group.key.map { ($0, sum(of: group.tensors)) } }
            .sorted { $0.layer < $1.layer }
    }

    /// The overlap of the leading directions over all matrices; `nil` unless it was asked for.
    public var subspaces: SubspaceOverlap? { overlap(of: tensors) }

    /// The overlap of the leading directions of each module that was measured, in the order in which modules come first.
    public var moduleSubspaces: [(name: String, overlap: SubspaceOverlap)] {
        grouped(by: { $0.module.name }).compactMap { group in
            overlap(of: group.tensors).map { (group.key, $0) }
        }
    }

    private func overlap(of tensors: [Tensor]) -> SubspaceOverlap? {
        let found = tensors.compactMap(\.subspaces)
        if found.isEmpty { return nil }
        return found.reduce(into: SubspaceOverlap(memberCount: members.count)) { $0.add($1) }
    }

    func sum(of tensors: [Tensor]) -> InterferenceFigures {
        tensors.reduce(into: InterferenceFigures(memberCount: members.count)) { $0.add($1.figures) }
    }

    private func grouped<Key: Hashable>(by key: (Tensor) -> Key) -> [(key: Key, tensors: [Tensor])] {
        var places: [Key: Int] = [:]
        var groups: [(key: Key, tensors: [Tensor])] = []
        for tensor in tensors {
            let key = key(tensor)
            if let place = places[key] {
                groups[place].tensors.append(tensor)
            } else {
                places[key] = groups.count
                groups.append((key, [tensor]))
            }
        }
        return groups
    }
}
