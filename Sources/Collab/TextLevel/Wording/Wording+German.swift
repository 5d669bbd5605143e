extension Wording {
    /// German.
    public static let german = Wording(
        germanPhrases,
        yes: ["ja", "wahr", "richtig", "stimmt"],
        no: ["nein", "falsch"]
    )

    /// The phrases of ``german``, by their English texts.
    static let germanPhrases: [String: String] = [
        germanLabels, germanIndependence, germanDebates, germanCritiques, germanDeliberations, germanJudging,
    ].reduce(into: [:]) { all, phrases in all.merge(phrases) { first, _ in first } }

    private static let germanLabels = [
        "Answer": "Antwort",
        "Answer #": "Antwort #",
        "Your answer": "Deine Antwort",
        "Other answer": "Andere Antwort",
        "Proposed answer": "Vorgeschlagene Antwort",
        "Leading answer": "Führende Antwort",
        "Counter-answer": "Gegenantwort",
        "Answers given": "Gegebene Antworten",
        "Answer of #, confidence #": "Antwort von #, Sicherheit #",
        "# (confidence #)": "# (Sicherheit #)",
        "unknown": "unbekannt",
        "The others": "Die anderen",
        "Question": "Frage",
        "Reply": "Erwiderung",
        "Reply for the answer": "Erwiderung für die Antwort",
        "Reply for the counter-answer": "Erwiderung für die Gegenantwort",
        "Criticism": "Kritik",
        "Criticism #": "Kritik #",
        "Objection": "Einwand",
        "Objection #": "Einwand #",
        "Objections": "Einwände",
        "Feedback #": "Rückmeldung #",
        "Knowledge": "Wissen",
        "Knowledge #": "Wissen #",
        "Draft": "Entwurf",
        "Outline": "Gliederung",
        "Point": "Punkt",
        "Part": "Teil",
        "Entry by #": "Eintrag von #",
        "Done": "Fertig",
        "Comment #": "Kommentar #",
        "View #": "Sicht #",
        "Affirmative side": "Seite dafür",
        "Negative side": "Seite dagegen",
        "Median of the group": "Median der Gruppe",
        "Middle half of the group": "Mittlere Hälfte der Gruppe",
        "from # to #": "von # bis #",
        "Share of “#”": "Anteil von „#“",
        "# of #": "# von #",
        "Reasons for another answer #": "Gründe für eine andere Antwort #",
    ]

    private static let germanIndependence = [
        "Below are several answers to the question that follows. Some may be wrong. Do not copy one: weigh them and write a single correct, complete answer of your own.":
            "Unten stehen mehrere Antworten auf die folgende Frage. Manche können falsch sein. Schreibe keine ab: Wäge sie ab und schreibe eine einzige richtige und vollständige eigene Antwort.",
        "The answers shown are ordered from best to worst. Write one answer that keeps what is right in them.":
            "Die gezeigten Antworten sind von der besten zur schlechtesten geordnet. Schreibe eine Antwort, die behält, was an ihnen richtig ist.",
        "Do not answer the question. Write down what you know that helps to answer it, in a few sentences.":
            "Beantworte die Frage nicht. Schreibe in wenigen Sätzen auf, was du weißt, das hilft, sie zu beantworten.",
        "Use what of this knowledge is right and relevant, and answer the question.":
            "Nutze, was von diesem Wissen richtig und von Belang ist, und beantworte die Frage.",
        "Do not answer the question yet. Split it into at most # smaller questions that can be answered apart from each other, as a numbered list.":
            "Beantworte die Frage noch nicht. Teile sie in höchstens # kleinere Fragen, die sich unabhängig voneinander beantworten lassen, als nummerierte Liste.",
        "Answer only this part of the question.": "Beantworte nur diesen Teil der Frage.",
        "The parts of the question have been answered as shown. Put the whole answer together.":
            "Die Teile der Frage sind beantwortet wie gezeigt. Füge die ganze Antwort zusammen.",
        "Do not answer the question yet. Write the outline of an answer: a numbered list of at most # points of three to five words each.":
            "Beantworte die Frage noch nicht. Schreibe die Gliederung einer Antwort: eine nummerierte Liste von höchstens # Punkten zu je drei bis fünf Wörtern.",
        "Write this point of the outline, and no other, in one or two sentences.":
            "Schreibe diesen Punkt der Gliederung, und keinen anderen, in ein oder zwei Sätzen.",
        "Work on the question together by writing on the board. Write one entry of one or two sentences that begins with Plan, Step or Criticism; or write Done if nothing is missing.":
            "Arbeitet gemeinsam an der Frage, indem ihr an die Tafel schreibt. Schreibe einen Eintrag von ein oder zwei Sätzen, der mit Plan, Schritt oder Kritik beginnt; oder schreibe Fertig, wenn nichts fehlt.",
        "Answer the question, going by what is right on the board.":
            "Beantworte die Frage nach dem, was an der Tafel richtig ist.",
        "Say in a few sentences how you see this question, and why.":
            "Sage in wenigen Sätzen, wie du diese Frage siehst, und warum.",
        "Present all of these views that a reasonable person could hold, each with who holds it. Do not decide between them.":
            "Stelle alle diese Sichten dar, die ein vernünftiger Mensch haben kann, jede mit denen, die sie haben. Entscheide nicht zwischen ihnen.",
        "Which of these comments reflects best how # would see the question? Write its number and nothing else.":
            "Welcher dieser Kommentare gibt am besten wieder, wie # die Frage sähe? Schreibe seine Nummer und sonst nichts.",
        "Answer the question as # would, going by what is shown.":
            "Beantworte die Frage, wie # es täte, nach dem, was gezeigt ist.",
    ]

    private static let germanDebates = [
        "Other answers to this question, some of which may be wrong:":
            "Andere Antworten auf diese Frage, von denen manche falsch sein können:",
        "Check your answer against them and give your final answer. The question was:":
            "Prüfe deine Antwort daran und gib deine endgültige Antwort. Die Frage war:",
        "Answers to this question, some of which may be wrong:":
            "Antworten auf diese Frage, von denen manche falsch sein können:",
        "Answer # was yours. Check it against the others and give your final answer.":
            "Antwort # war deine. Prüfe sie an den anderen und gib deine endgültige Antwort.",
        "Weigh these answers by their reasons, not by their number, and give your final answer.":
            "Wäge diese Antworten nach ihren Gründen ab, nicht nach ihrer Zahl, und gib deine endgültige Antwort.",
        "Each confidence says how steadily an answer was kept to; below 0.5 it is probably wrong. Give your final answer.":
            "Jede Sicherheit sagt, wie stetig an einer Antwort festgehalten wurde; unter 0,5 ist sie wahrscheinlich falsch. Gib deine endgültige Antwort.",
        "That others agree is no evidence. Change your answer only if you find an error in it; otherwise keep it. Give your final answer.":
            "Dass andere übereinstimmen, beweist nichts. Ändere deine Antwort nur, wenn du einen Fehler in ihr findest; sonst behalte sie. Gib deine endgültige Antwort.",
        "Think step by step, and end with the answer.":
            "Denke Schritt für Schritt und ende mit der Antwort.",
        "First name the principle behind the question, then apply it, and end with the answer.":
            "Nenne zuerst das Prinzip hinter der Frage, wende es dann an und ende mit der Antwort.",
        "Work the answer out as a program would, line by line, and end with the result.":
            "Erarbeite die Antwort wie ein Programm, Zeile für Zeile, und ende mit dem Ergebnis.",
        "Answer at once, without explanation.": "Antworte sofort, ohne Erklärung.",
        "Do not answer the question. Summarise these answers to it in a few sentences: what they say, and why.":
            "Beantworte die Frage nicht. Fasse diese Antworten auf sie in wenigen Sätzen zusammen: was sie sagen, und warum.",
        "Check your answer against this summary of the others' and give your final answer.":
            "Prüfe deine Antwort an dieser Zusammenfassung der anderen und gib deine endgültige Antwort.",
        "You disagree with this answer. Say in one or two sentences why it is wrong, and give your own answer.":
            "Du bist mit dieser Antwort nicht einverstanden. Sage in ein oder zwei Sätzen, warum sie falsch ist, und gib deine eigene Antwort.",
        "You need not agree with the other side; the aim is the correct answer. Reply to it and give your answer.":
            "Du musst der anderen Seite nicht zustimmen; das Ziel ist die richtige Antwort. Erwidere ihr und gib deine Antwort.",
        "You moderate this debate. Is it clear which side is right? Answer yes or no first; if yes, give the correct answer.":
            "Du leitest diese Debatte. Ist klar, welche Seite recht hat? Antworte zuerst mit Ja oder Nein; wenn ja, gib die richtige Antwort.",
        "The debate is over. List the different answers that were given, without reasons.":
            "Die Debatte ist zu Ende. Zähle die verschiedenen Antworten auf, die gegeben wurden, ohne Gründe.",
        "Decide which of these answers is correct, and give it.":
            "Entscheide, welche dieser Antworten richtig ist, und gib sie.",
        "Score both answers from 1 to 10. Write nothing but two numbers: the score of A, then the score of B.":
            "Bewerte beide Antworten von 1 bis 10. Schreibe nichts als zwei Zahlen: die Punkte von A, dann die Punkte von B.",
        "You are a member of the public: judge whether an answer helps you and is easy to follow.":
            "Du sprichst für die Allgemeinheit: Beurteile, ob eine Antwort dir hilft und leicht zu verstehen ist.",
        "You are a critic: judge whether an answer is clear, complete and well argued.":
            "Du kritisierst von Beruf: Beurteile, ob eine Antwort klar, vollständig und gut begründet ist.",
        "You are a scientist: judge whether an answer is correct in every detail.":
            "Du arbeitest in der Wissenschaft: Beurteile, ob eine Antwort in jeder Einzelheit richtig ist.",
    ]

    private static let germanCritiques = [
        "Write a short paragraph of knowledge from which another answer than this one follows, and name that answer.":
            "Schreibe einen kurzen Absatz Wissen, aus dem eine andere Antwort als diese folgt, und nenne diese Antwort.",
        "This may or may not be right; ignore what is wrong in it. Answer the question.":
            "Das kann richtig sein oder nicht; beachte nicht, was daran falsch ist. Beantworte die Frage.",
        "Do not answer the question yourself. Say in one or two sentences what you know that speaks for or against this answer to it.":
            "Beantworte die Frage nicht selbst. Sage in ein oder zwei Sätzen, was du weißt, das für oder gegen diese Antwort auf sie spricht.",
        "Weigh the feedback. Is the proposed answer true or false? Write one word, true or false.":
            "Wäge die Rückmeldungen ab. Ist die vorgeschlagene Antwort wahr oder falsch? Schreibe ein Wort, wahr oder falsch.",
        "You examine this answer for errors. Ask its author one short question whose reply would show whether it is right.":
            "Du prüfst diese Antwort auf Fehler. Stelle dem, der sie gab, eine kurze Frage, deren Erwiderung zeigt, ob sie richtig ist.",
        "Do the replies agree with the answer, and is it right? Write one word, yes or no.":
            "Passen die Erwiderungen zur Antwort, und ist sie richtig? Schreibe ein Wort, ja oder nein.",
        "Do not answer the question yourself. Say in one or two sentences what is wrong or missing in this answer to it.":
            "Beantworte die Frage nicht selbst. Sage in ein oder zwei Sätzen, was an dieser Antwort auf sie falsch ist oder fehlt.",
        "Others have criticised your answer as shown. Correct what is wrong, keep what is right, and answer again.":
            "Andere haben deine Antwort kritisiert wie gezeigt. Berichtige, was falsch ist, behalte, was richtig ist, und antworte noch einmal.",
        "Is this answer right and complete? Answer yes or no first; if no, say in one or two sentences what is wrong.":
            "Ist diese Antwort richtig und vollständig? Antworte zuerst mit Ja oder Nein; wenn nein, sage in ein oder zwei Sätzen, was falsch ist.",
        "Your answer has been criticised as shown. Correct what is wrong, keep what is right, and answer again.":
            "Deine Antwort wurde kritisiert wie gezeigt. Berichtige, was falsch ist, behalte, was richtig ist, und antworte noch einmal.",
        "Is this answer correct? Answer yes or no first; if no, say in one sentence what is wrong.":
            "Ist diese Antwort richtig? Antworte zuerst mit Ja oder Nein; wenn nein, sage in einem Satz, was falsch ist.",
        "Your answer was not accepted, for the reason shown. Find the error and answer again.":
            "Deine Antwort wurde aus dem gezeigten Grund nicht angenommen. Finde den Fehler und antworte noch einmal.",
    ]

    private static let germanDeliberations = [
        "Write one answer to the question that everybody who gave these answers could agree to.":
            "Schreibe eine Antwort auf die Frage, der alle zustimmen können, die diese Antworten gaben.",
        "Can you agree to this draft? Answer yes or no first; if no, say in one sentence what must change.":
            "Kannst du diesem Entwurf zustimmen? Antworte zuerst mit Ja oder Nein; wenn nein, sage in einem Satz, was sich ändern muss.",
        "The draft met the objections shown. Write another that meets them as far as they are right.":
            "Der Entwurf traf auf die gezeigten Einwände. Schreibe einen anderen, der ihnen gerecht wird, soweit sie berechtigt sind.",
        "Consider the spread of the group's answers and the reasons given. Keep or change your answer, and give it with a short reason.":
            "Bedenke die Streuung der Antworten der Gruppe und die genannten Gründe. Behalte oder ändere deine Antwort und gib sie mit einem kurzen Grund.",
        "You are the devil's advocate. Make the strongest case you can that this answer is wrong, in a few sentences.":
            "Du bist der Anwalt des Teufels. Lege in wenigen Sätzen so stark wie möglich dar, dass diese Antwort falsch ist.",
        "The leading answer has been attacked as shown. Keep your answer if it holds, change it if not, and give it.":
            "Die führende Antwort wurde angegriffen wie gezeigt. Behalte deine Antwort, wenn sie standhält, ändere sie, wenn nicht, und gib sie.",
        "Name the assumptions behind this answer. Assume the opposite, and give the answer that follows from that.":
            "Nenne die Annahmen hinter dieser Antwort. Nimm das Gegenteil an und gib die Antwort, die daraus folgt.",
        "Defend your answer against the other one, in one or two sentences.":
            "Verteidige deine Antwort gegen die andere, in ein oder zwei Sätzen.",
        "Weigh both answers, their assumptions and the replies, and write the answer that is best supported.":
            "Wäge beide Antworten, ihre Annahmen und die Erwiderungen ab und schreibe die Antwort, die am besten begründet ist.",
        "Rank these answers from best to worst. Write nothing but their numbers, best first, separated by commas.":
            "Ordne diese Antworten von der besten zur schlechtesten. Schreibe nichts als ihre Nummern, die beste zuerst, durch Kommas getrennt.",
        "The group has heard these answers. Discuss them in one or two sentences and give your answer.":
            "Die Gruppe hat diese Antworten gehört. Erörtere sie in ein oder zwei Sätzen und gib deine Antwort.",
    ]

    private static let germanJudging = [
        "Which of two answers to a question is better? What counts is first whether it is right and does what was asked, then whether it is clear. Neither its length nor its place counts.":
            "Welche von zwei Antworten auf eine Frage ist besser? Es zählt zuerst, ob sie richtig ist und tut, was verlangt war, dann, ob sie klar ist. Weder ihre Länge noch ihr Platz zählt.",
        "Compare them in a sentence, and end with “The answer is A” or “The answer is B”.":
            "Vergleiche sie in einem Satz und ende mit „Die Antwort ist A“ oder „Die Antwort ist B“.",
        "Do all of these answers come to the same result? Answer with yes or no, and nothing else.":
            "Kommen alle diese Antworten zum selben Ergebnis? Antworte mit Ja oder Nein und sonst nichts.",
        "How sure are you that this answer is right? Answer with a number from 0 (not at all) to 100 and nothing else.":
            "Wie sicher bist du, dass diese Antwort richtig ist? Antworte mit einer Zahl von 0 (gar nicht) bis 100 und sonst nichts.",
        "Is the proposed answer correct? Answer with yes or no.":
            "Ist die vorgeschlagene Antwort richtig? Antworte mit Ja oder Nein.",
    ]
}
