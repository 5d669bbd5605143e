extension InterferenceReport {
    /// What a heat map shows.
    public enum Measure: String, Sendable, CaseIterable, Codable {
        /// ``InterferenceFigures/signConflict``.
        case signConflict
        /// ``InterferenceFigures/cancellation``.
        case cancellation
        /// The mean cosine of the pairs, of which 1 is white and −1 is full colour.
        case disagreement

        func value(_ figures: InterferenceFigures) -> Double {
            switch self {
            case .signConflict: figures.signConflict
            case .cancellation: figures.cancellation
            case .disagreement: (1 - figures.meanCosine) / 2
            }
        }

        var title: String {
            switch self {
            case .signConflict: "sign conflict"
            case .cancellation: "change lost when added"
            case .disagreement: "disagreement, (1 − cosine) ∕ 2"
            }
        }
    }

    /// An SVG drawing with a row a module and a column a layer, darker where there is more interference.
    ///
    /// Each cell has a title with its figures, which browsers show beside the pointer. Tensors outside of layers stand
    /// in a column of their own on the left.
    public func heatMap(of measure: Measure = .cancellation) -> String {
        var places: [TensorModule: InterferenceFigures] = [:]
        for tensor in tensors {
            places[tensor.module, default: InterferenceFigures(memberCount: members.count)].add(
                tensor.figures
            )
        }
        let drawing = HeatMapDrawing(
            title: "\(members.joined(separator: ", ")) from \(base)",
            subtitle: "\(measure.title) by module and layer",
            rows: modules.map(\.name),
            columns: [nil] + layers.map(\.layer),
            scale: ("0", "1", false)
        )
        return drawing.svg { name, layer in
            guard let figures = places[TensorModule(layer: layer, name: name)] else { return nil }
            let title =
                "\(name)\(layer.map { ", layer \($0)" } ?? ""): conflict \(percent(figures.signConflict)), "
                + "lost \(percent(figures.cancellation)), cosine \(decimal(figures.meanCosine, places: 3))"
            return (measure.value(figures), title)
        }
    }
}

extension TensorModule {
    /// Makes a place of what it is made of.
    public init(layer: Int?, name: String) {
        self.layer = layer
        self.name = name
    }
}
