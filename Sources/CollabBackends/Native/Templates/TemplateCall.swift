import Collab

/// The values that a function, filter, test or macro is called with.
struct TemplateCall {
    var positional: [TemplateValue] = []
    var named: [(name: String, value: TemplateValue)] = []

    /// The values for parameters of these names, nil where one was not given.
    ///
    /// Throws where there are too many, an unknown one, or one twice.
    func bind(
        _ parameters: [String],
        for callee: String,
        _ evaluator: TemplateEvaluator
    ) throws(CollabError) -> [TemplateValue?] {
        guard positional.count <= parameters.count else {
            throw evaluator.failure(
                "\(callee) takes at most \(parameters.count) arguments, not \(positional.count)"
            )
        }
        var values = [TemplateValue?](repeating: nil, count: parameters.count)
        for (position, value) in positional.enumerated() { values[position] = value }
        for (name, value) in named {
            guard let position = parameters.firstIndex(of: name) else {
                throw evaluator.failure("\(callee) has no parameter “\(name)”")
            }
            guard values[position] == nil else {
                throw evaluator.failure("\(callee) is given “\(name)” twice")
            }
            values[position] = value
        }
        return values
    }
}
