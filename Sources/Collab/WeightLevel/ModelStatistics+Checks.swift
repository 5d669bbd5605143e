/// What a rule reads of statistics.
package enum StatisticsPart: Sendable {
    /// Gram matrices.
    case gram
    /// Fisher information.
    case fisher

    /// What the tensor for a weight is called, if there is one.
    func name(of weight: String, in statistics: ModelStatistics) -> String? {
        switch self {
        case .gram: statistics.gramName(of: weight)
        case .fisher: statistics.fisherName(of: weight)
        }
    }

    fileprivate var prefix: String { self == .gram ? "gram/" : "fisher/" }
    fileprivate var title: String { self == .gram ? "Gram matrices" : "Fisher information" }

    fileprivate func shape(for weight: TensorDescription) -> [Int]? {
        switch self {
        case .fisher: weight.shape
        case .gram: weight.shape.count == 2 ? [weight.shape[1], weight.shape[1]] : nil
        }
    }
}

extension ModelStatistics {
    /// Throws ``CollabError/Code/invalidRequest`` unless all have something of what a rule reads.
    ///
    /// What has been measured for another rule would count as nothing, and the merge be one by another rule.
    static func check(_ part: StatisticsPart, in all: [ModelStatistics]) throws(CollabError) {
        for statistics in all
        where !statistics.tensors.tensors.contains(where: { $0.name.hasPrefix(part.prefix) }) {
            throw CollabError(
                .invalidRequest,
                "\(statistics.tensors.name) has no \(part.title) (“\(part.prefix)…”), which the merge weighs by; measure it."
            )
        }
    }

    /// The names of what a rule reads for a weight, one a member; `nil` if no member has any.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` if some have it and others do not, and
    /// ``CollabError/Code/tensorMismatch`` for another shape than the weight's.
    static func names(
        of part: StatisticsPart,
        for weight: TensorDescription,
        in all: [ModelStatistics]
    ) throws(CollabError) -> [String]? {
        let names = all.map { part.name(of: weight.name, in: $0) }
        guard let place = names.firstIndex(where: { $0 != nil }), let shape = part.shape(for: weight) else {
            return nil
        }
        for (statistics, name) in zip(all, names) {
            guard let name else {
                throw CollabError(
                    .invalidRequest,
                    "\(statistics.tensors.name) has no \(part.title) of “\(weight.name)” and \(all[place].tensors.name) "
                        + "has; what was not measured cannot be weighed against what was."
                )
            }
            guard let found = statistics.tensors.description(of: name)?.shape, found == shape else {
                throw CollabError(
                    .tensorMismatch,
                    "“\(name)” of \(statistics.tensors.name) has another shape than \(shape), which fits the weight of "
                        + "\(weight.shape)."
                )
            }
        }
        return names.compactMap { $0 }
    }

    /// Throws unless statistics can be what a rule weighs these weights by: all have it for the same ones, and for some.
    package static func check(
        _ part: StatisticsPart,
        in all: [ModelStatistics],
        for weights: [TensorDescription]
    ) throws(CollabError) {
        try check(part, in: all)
        var isFitting = all.isEmpty
        for weight in weights where try names(of: part, for: weight, in: all) != nil { isFitting = true }
        guard isFitting else {
            let files = all.map(\.tensors.name).joined(separator: ", ")
            throw CollabError(
                .invalidRequest,
                "\(files): the \(part.title) are of other models; none has the name of a weight that is merged."
            )
        }
    }
}
