public import Collab

extension RemoteModel {
    /// The same model, whose server keeps its answers to a constraint.
    ///
    /// A schema goes to every server of OpenAI's protocol. Choices, regular expressions and grammars go to vLLM as they
    /// are and to llama.cpp's server as a grammar. What a server makes of it is its own matter: white space within JSON, for
    /// one.
    ///
    /// Throws ``Collab/CollabError/Code/unsupported`` for a server that has no such option.
    public func constrained(to constraint: Constraint) throws(CollabError) -> RemoteModel {
        let option: ServerOption
        switch constraint.source {
        case .choices(let texts) where server.extensions == .vLLM: option = .choices(texts)
        case .expression(let source) where server.extensions == .vLLM: option = .regularExpression(source)
        case .schema: option = .jsonSchema(constraint.schema?.document ?? [:])
        default: option = .grammar(constraint.grammar.backusNaurForm)
        }
        var settings = settings
        settings.options.append(option)
        settings.name = "\(name) with \(constraint.name)"
        return try sibling(model, settings)
    }
}
