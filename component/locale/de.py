"""Deutsch."""

from .catalogue import Texts

GERMAN = Texts(
    language="de",
    commands="Befehle",
    greeting=(
        "Guten Tag, {name}! Ich bin der Assistent von {company} hier im Chat. "
        "Ich helfe Ihnen, Personen und Ihre Gruppen zu finden."
    ),
    hello="Guten Tag, {name}!",
    not_understood="Das habe ich leider nicht verstanden.",
    encrypted=(
        "Verschlüsselte Nachrichten kann ich leider nicht lesen. "
        "Bitte schalten Sie für diesen Chat die Verschlüsselung (OMEMO) aus."
    ),
    too_fast=(
        "Das waren sehr viele Anfragen auf einmal. Bitte warten Sie eine Minute, dann antworte ich Ihnen gern wieder."
    ),
    unavailable="Das Verzeichnis ist gerade nicht erreichbar. Bitte versuchen Sie es in ein paar Minuten noch einmal.",
    refused="Der Assistent antwortet nur Personen, die hier am Chat teilnehmen.",
    help_title="Hilfe",
    help_usage="hilfe",
    help_does="zeigt diese Übersicht",
    help_lead="Das können Sie mir schreiben:",
    groups_title="Meine Gruppen",
    groups_usage="gruppen",
    groups_does="zeigt die Gruppen, in denen Sie sind",
    groups_one="Sie sind in einer Gruppe. Zum Öffnen bitte antippen:",
    groups_many="Sie sind in {count} Gruppen. Zum Öffnen bitte antippen:",
    groups_none="Sie sind zurzeit in keiner Gruppe. Sobald man Sie in eine Gruppe aufnimmt, erscheint sie von selbst.",
    groups_more="Weitere Gruppen: {count}",
    members_one="1 Mitglied",
    members_many="{count} Mitglieder",
    you_moderate="Sie moderieren",
    announcement="Ankündigungen",
    who_title="Person suchen",
    who_usage="wer NAME",
    who_does="sucht Personen in Ihrer Firma, auch mit einem Teil des Namens",
    who_question="Name oder ein Teil davon",
    who_missing="Wen suchen Sie? Schreiben Sie den Namen dazu, zum Beispiel: wer Müller",
    who_found="Das habe ich zu „{query}“ gefunden. Zum Schreiben bitte antippen:",
    who_similar="Zu „{query}“ habe ich nichts Genaues gefunden, aber etwas Ähnliches. Zum Schreiben bitte antippen:",
    who_none="Zu „{query}“ habe ich niemanden gefunden. Ein Teil des Vor- oder Nachnamens genügt.",
    who_more_one="Es gibt noch 1 weiteren Treffer. Schreiben Sie mehr vom Namen, dann wird die Liste kürzer.",
    who_more_many="Es gibt noch {count} weitere Treffer. Schreiben Sie mehr vom Namen, dann wird die Liste kürzer.",
    contact_title="Ansprechpersonen",
    contact_usage="kontakt",
    contact_does="zeigt, wen Sie fragen können",
    contact_lead="{company}: Diese Personen moderieren Ihre Gruppen. Zum Schreiben bitte antippen:",
    contact_none=(
        "{company}: In Ihren Gruppen gibt es außer Ihnen zurzeit niemanden, der moderiert. "
        "Bitte wenden Sie sich an Ihre Vorgesetzten oder an das Büro."
    ),
    contact_more="Weitere Ansprechpersonen: {count}",
    moderates="moderiert {groups}",
    search_title="Person suchen",
    search_instructions="Bitte füllen Sie mindestens ein Feld aus. Ein Teil des Namens genügt.",
    label_name="Name",
    label_address="Adresse",
    label_link="Link",
    label_note="Hinweis",
    label_nick="Anzeigename",
    label_first="Vorname",
    label_last="Nachname",
    label_email="E-Mail",
    upload_refused="Dateien kann hier nur senden, wer am Chat teilnimmt.",
    upload_type="Dateien dieser Art werden hier nicht angenommen.",
    upload_too_large="Die Datei ist zu groß. Erlaubt sind höchstens {megabytes} MB.",
    upload_quota="Für heute haben Sie genug Dateien gesendet. Morgen geht es weiter.",
    wrong_step="Dieser Schritt passt hier nicht. Bitte beginnen Sie den Befehl von vorn.",
    unknown_command="Diesen Befehl gibt es nicht.",
    unknown_address="Unter dieser Adresse gibt es hier niemanden.",
)
